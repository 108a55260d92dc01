/**
 * Measures Afield beside its peers in one run: `npm run bench`, `npm run bench -- start`,
 * `npm run bench -- manifest --json figures.json`. Exits 1 when a figure misses its bar.
 */
import { writeFile } from 'node:fs/promises'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Figure } from './figure.js'
import { benchManifest } from './manifest/manifest.js'
import { benchServe } from './serve/serve.js'
import { benchSizes } from './sizes/sizes.js'
import { benchStart } from './start.js'

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  start: benchStart,
  manifest: benchManifest,
  serve: benchServe,
  sizes: benchSizes,
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
})

async function main(): Promise<void> {
  if (values.help) {
    console.log(`npm run bench [-- NAME...] [--json FILE]\nNames: ${Object.keys(benches).join(', ')}`)
    return
  }
  const figures: Figure[] = []
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
    const bench = benches[name]
    if (!bench) throw new Error(`No benchmark "${name}"; there are ${Object.keys(benches).join(', ')}.`)
    figures.push(...(await bench()))
  }
  for (const figure of figures) console.log(lineOf(figure))
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify({ machine, figures }, null, 2)}\n`)
  if (figures.some(({ holds }) => holds === false)) process.exitCode = 1
}

function lineOf({ id, value, unit, spread, bar, holds }: Figure): string {
  const verdict = bar === undefined ? '' : `  must be ${bar}: ${holds ? 'holds' : 'MISSED'}`
  return `${id.padEnd(44)} ${String(value).padStart(8)} ${unit.padEnd(6)} ± ${spread}${verdict}`
}

await main()
