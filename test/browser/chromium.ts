import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  chromium,
  type BrowserContext,
  type ConsoleMessage,
  type Page as Tab,
  type Request,
} from 'playwright-core'
import { findChromium } from '../../.ci/chromium.mjs'
import type { Browser, Launch, Page } from './browser.js'
import { expressionOf } from './expression.js'
import { usageOf } from './usage.js'

const FLAGS = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

const SOFTWARE_GPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // A browser whose GPU process crashed a few times ends itself otherwise, and tests crash it on purpose.
  '--disable-gpu-process-crash-limit',
]

/**
 * Starts the Chromium that `.ci/chromium.mjs` finds, without a window.
 *
 * @throws {Error} when there is none
 * @example
 * const browser = await launchChromium()
 * const page = await browser.open('http://127.0.0.1:8080/')
 */
export const launchChromium: Launch = async ({ profileDir, softwareGpu = false } = {}) => {
  const executablePath = await findChromium()
  if (!executablePath) throw new Error('No Chromium found; node .ci/setup.mjs --browser installs one.')
  const profile = profileDir ?? (await mkdtemp(join(tmpdir(), 'afield-profile-')))
  // A persistent context, because only that one writes to disk what should survive a kill.
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: softwareGpu ? [...FLAGS, ...SOFTWARE_GPU] : FLAGS,
  })
  const forget = async () => {
    if (profileDir === undefined) await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  }
  return adapt(context, forget)
}

function adapt(context: BrowserContext, forget: () => Promise<void>): Browser {
  return {
    engine: 'chromium',
    async open(url) {
      const page = adaptTab(context, await context.newPage())
      if (url !== undefined) await page.goto(url)
      return page
    },
    setOffline: (offline) => context.setOffline(offline),
    async crashGpu() {
      const session = await context.browser()?.newBrowserCDPSession()
      await session?.send('Browser.crashGpuProcess')
      await session?.detach()
    },
    async kill() {
      const closed = new Promise((resolve) => context.once('close', resolve))
      process.kill(await processIdOf(context), 'SIGKILL')
      await closed
      await forget()
    },
    async close() {
      await context.close()
      await forget()
    },
  }
}

async function processIdOf(context: BrowserContext): Promise<number> {
  const session = await context.browser()?.newBrowserCDPSession()
  const processes = (await session?.send('SystemInfo.getProcessInfo'))?.processInfo ?? []
  const main = processes.find(({ type }) => type === 'browser')
  if (!main) throw new Error('This Chromium does not tell its process id.')
  return main.id
}

function adaptTab(context: BrowserContext, tab: Tab): Page {
  return {
    async goto(url) {
      await tab.goto(url)
    },
    async reload() {
      await tab.reload()
    },
    evaluate: (work: string | ((argument: never) => unknown), argument?: unknown) =>
      tab.evaluate(expressionOf(work, argument)),
    onConsole(listener) {
      tab.on('console', (message) => listener({ level: methodOf(message), text: message.text() }))
      tab.on('pageerror', (error) => listener({ level: 'uncaught', text: error.message }))
    },
    onRequest(listener) {
      const tell = (request: Request) => listener({ url: request.url(), method: request.method() })
      tab.on('request', tell)
      // The tab does not report a service worker, which serves all tabs: its requests belong to each of them.
      context.on('request', (request) => {
        if (request.serviceWorker()) tell(request)
      })
    },
    async drag([first, ...rest]) {
      if (!first) return
      await tab.mouse.move(first.x, first.y)
      await tab.mouse.down()
      for (const { x, y } of rest) await tab.mouse.move(x, y)
      await tab.mouse.up()
    },
    press: (key) => tab.keyboard.press(key),
    resize: (width, height) => tab.setViewportSize({ width, height }),
    colourScheme: (colorScheme) => tab.emulateMedia({ colorScheme }),
    usage: () => usageOf(context, tab),
    async screenshot(path) {
      await tab.screenshot({ path })
    },
    close: () => tab.close(),
    async kill() {
      const crashed = tab.waitForEvent('crash')
      const session = await context.newCDPSession(tab)
      // Never answered: the renderer that would answer is gone.
      session.send('Page.crash').catch(() => undefined)
      await crashed
      await tab.close()
    },
  }
}

function methodOf(message: ConsoleMessage): string {
  const type = message.type()
  return type === 'warning' ? 'warn' : type
}
