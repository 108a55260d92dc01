import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { Browser } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'
import { writeDigitsTensors } from '../../support/digits-tensors.js'
import { writeLoopModel } from '../../support/loop-model.js'

export interface ServeSite {
  readonly browser: Browser
  /** Of a page that has `peers` and `loop`; isolated, so that its clock has steps of 5 µs. */
  readonly isolated: string
  /** The same page, not isolated. */
  readonly plain: string
  close(): Promise<void>
}

/** A repository with the digits MLP and a model that computes for as long as it is told, and a page with the peers. */
export async function startServeSite(): Promise<ServeSite> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  const model = await writeDigitsTensors(await mkdtemp(join(folder, 'model-')))
  await publish({ model, version: '1.0.0', repo })
  await publish({
    model: await writeLoopModel(await mkdtemp(join(folder, 'model-'))),
    version: '1.0.0',
    repo,
  })
  const page = join(folder, 'page')
  await buildApp({
    root: join(import.meta.dirname, 'page'),
    outDir: page,
    base: '/page/',
    files: { 'model.onnx': model },
  })
  const mounts = { '/page': page, '/repo': repo }
  const servers = [await startServer({ mounts, isolated: true }), await startServer({ mounts })] as const
  const browser = await launchChromium()
  return {
    browser,
    isolated: `${servers[0].url}/page/`,
    plain: `${servers[1].url}/page/`,
    close: async () => {
      await browser.close()
      for (const server of servers) await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
