import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { BrowserContext, Page as Tab } from 'playwright-core'
import type { Usage } from './browser.js'

const run = promisify(execFile)

/** What a tab of Chromium takes, by its DevTools protocol and the system's list of processes. */
export async function usageOf(context: BrowserContext, tab: Tab): Promise<Usage> {
  const session = await context.newCDPSession(tab)
  const whole = await context.browser()?.newBrowserCDPSession()
  if (!whole) throw new Error('This Chromium does not tell what it takes.')
  try {
    await session.send('HeapProfiler.collectGarbage')
    const { usedSize } = await session.send('Runtime.getHeapUsage')
    const { processInfo } = await whole.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', renderers.join()])
    const kibibytes = stdout.split('\n').reduce((sum, line) => sum + Number(line), 0)
    return { workers: tab.workers().length, heapBytes: usedSize, processBytes: 1024 * kibibytes }
  } finally {
    await session.detach()
    await whole.detach()
  }
}
