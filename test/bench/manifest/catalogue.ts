import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changeRollout, commitDocuments, initRepository, publish } from '@afield/cli'
import { createDevice } from 'afield/node'
import { startServer } from '../../servers/static.js'
import { figure, type Figure } from '../figure.js'

const MODELS = 1000
const VERSIONS = 20
const BINS = 32
const KB = 1000

/** What a device that uses one model of a large catalogue fetches of the manifest. */
export async function benchCatalogue(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo }, { bins: BINS })
  const model = join(import.meta.dirname, '..', '..', 'models', 'digits-mlp.onnx')
  for (let i = 0; i < VERSIONS; i++) await publish({ model, version: `1.${i}.0`, repo })
  await changeRollout({ repo }, 'digits-mlp', { kind: 'start', stable: '1.19.0' })
  const others = Array.from({ length: MODELS - 1 }, (_, i) => `model-${i}`)
  await commitDocuments(
    { repo },
    others.flatMap((name) => [
      { target: `models/${name}.json`, bytes: indexOf(name, VERSIONS) },
      { target: `rollouts/${name}.json`, bytes: rolloutOf(name) },
    ]),
  )
  const server = await startServer({ mounts: { '/repo': repo } })
  let bytes = 0
  const device = createDevice({
    repository: `${server.url}/repo/`,
    root: await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'),
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      if (!/\/(metadata|targets)\//.test(url) || !response.ok) return response
      const body = await response.arrayBuffer()
      bytes += body.byteLength
      return new Response(body, response)
    },
  })
  try {
    await device.load('digits-mlp')
    const first = bytes
    const changed: number[] = []
    for (const name of others.slice(0, 100)) {
      const target = `models/${name}.json`
      await commitDocuments({ repo }, [{ target, bytes: indexOf(name, VERSIONS + 1) }])
      bytes = 0
      await device.check()
      changed.push(bytes / KB)
    }
    return [
      figure('manifest/catalogue/first-visit', 'kB', [first / KB], { most: 60 }),
      figure('manifest/catalogue/another-model-changed', 'kB', [Math.max(...changed)], { most: 20 }),
    ]
  } finally {
    await device.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const CHANGE = { author: 'bench', reason: 'a catalogue of this size', at: '2026-01-01T00:00:00Z' }

function indexOf(name: string, versions: number): Uint8Array<ArrayBuffer> {
  const entries = Array.from({ length: versions }, (_, i) => {
    const sha256 = createHash('sha256').update(`${name} ${i}`).digest('hex')
    return [`1.${i}.0`, { descriptor: { sha256, size: 10_000 }, created: CHANGE.at }] as const
  })
  return json({ format: 1, name, versions: Object.fromEntries(entries), change: CHANGE })
}

function rolloutOf(model: string): Uint8Array<ArrayBuffer> {
  const nobody = { coverage: 0, steps: [], seed: 'bench', paused: false, killed: 'none' }
  return json({ format: 1, model, epoch: 0, strategy: 'canary', stable: '1.19.0', ...nobody, change: CHANGE })
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value))
}
