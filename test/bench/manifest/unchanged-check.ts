import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { AfieldOptions } from 'afield'
import { launchChromium } from '../../browser/chromium.js'
import { startServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'
import { figure, type Figure } from '../figure.js'

const CHECKS = 10

/** What a device asks for, and what comes over the wire, when it looks for news and there are none. */
export async function benchUnchangedCheck(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  const app = join(folder, 'app')
  await initRepository({ repo })
  const model = join(import.meta.dirname, '..', '..', 'models', 'digits-mlp.onnx')
  await publish({ model, version: '1.0.0', repo })
  await buildApp({
    root: join(import.meta.dirname, '..', '..', 'support', 'app'),
    outDir: app,
    base: '/app/',
  })
  const server = await startServer({ mounts: { '/app': app, '/repo': repo } })
  const browser = await launchChromium()
  try {
    const page = await browser.open(`${server.url}/app/`)
    const options = {
      repository: `${server.url}/repo/`,
      root: await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'),
    }
    await page.evaluate(async (given: AfieldOptions) => {
      globalThis.afield = createAfield(given)
      await afield.load('digits-mlp')
      await afield.check()
    }, options)
    const requests: number[] = []
    const bytes: number[] = []
    for (let i = 0; i < CHECKS; i++) {
      server.clearRequests()
      await page.evaluate(() => afield.check())
      requests.push(server.requests.length)
      bytes.push(server.requests.reduce((sum, request) => sum + request.bytes, 0))
    }
    return [
      figure('manifest/unchanged-check/requests', '', requests, { most: 1 }),
      figure('manifest/unchanged-check/bytes', 'B', bytes, { most: 1024 }),
    ]
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
