import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { figure, type Figure } from '../figure.js'

const SDK = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk')
const KB = 1000

/** What a device downloads to verify manifests, in all for the keeper, and where telemetry is on; minified, gzipped. */
export async function benchSizes(): Promise<readonly Figure[]> {
  const verification = await bundledSize(join(SDK, 'src', 'keeper', 'manifest', 'client.ts'))
  const keeper = gzippedSize(await readFile(join(SDK, 'dist', 'keeper.worker.js')))
  const telemetry = gzippedSize(await readFile(join(SDK, 'dist', 'telemetry.js')))
  return [
    figure('manifest/size/verification', 'kB', [verification / KB], { most: 15 }),
    figure('manifest/size/keeper', 'kB', [keeper / KB], { most: 30 }),
    figure('manifest/size/telemetry-where-on', 'kB', [telemetry / KB]),
  ]
}

async function bundledSize(entry: string): Promise<number> {
  const bundle = await rolldown({ input: entry, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  return gzippedSize(Buffer.from(output[0].code))
}

function gzippedSize(code: Buffer): number {
  return gzipSync(code, { level: 9 }).length
}
