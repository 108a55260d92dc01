import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  changeRollout,
  commitDocuments,
  initRepository,
  listModels,
  verify,
  type InitOptions,
} from '@afield/cli'
import { createHash } from 'node:crypto'
import { jsonBytes } from '@afield/protocol'
import { expect, test } from 'vitest'
import { MODEL, makeExample } from '../support/learner-risk.js'
import { look } from './device.js'
import { readAsTuf } from './tuf-client.js'
import { afield, readJson, temporaryFolder } from './workspace.js'

async function publishTwo(options: InitOptions): Promise<string> {
  const repo = await makeExample(join(await temporaryFolder(), 'repo'), ['1.0.0', '2.0.0'], options)
  await changeRollout({ repo }, MODEL, { kind: 'start', candidate: '2.0.0' })
  return repo
}

const layouts: readonly [string, InitOptions][] = [
  ['two keys', {}],
  ['a key for each role', { roles: 'separate' }],
  ['keys of both kinds', { ecdsa: true }],
  ['bins', { bins: 16 }],
  ['bins, a key of both kinds for each role', { bins: 2, roles: 'separate', ecdsa: true }],
]
test.each(layouts)('%s: what is published is what another TUF client believes', async (_, options) => {
  const repo = await publishTwo(options)
  const [index, rollout, none] = await readAsTuf(repo, [
    `models/${MODEL}.json`,
    `rollouts/${MODEL}.json`,
    'models/other.json',
  ])
  expect(Object.keys((JSON.parse(index ?? '') as { versions: object }).versions)).toEqual(['1.0.0', '2.0.0'])
  expect(JSON.parse(rollout ?? '')).toMatchObject({ candidate: '2.0.0', coverage: 500 })
  expect(none).toBeUndefined()
  const { problems } = await verify({ repo, root: join(repo, 'metadata', '1.root.json') })
  expect(problems).toEqual([])
})

test.each(layouts.slice(0, 3))('%s: and what a device believes', async (_, options) => {
  const seen = await look(await publishTwo(options), MODEL)
  expect(seen).toMatchObject({ version: 4, rollout: { candidate: '2.0.0' } })
})

interface Envelope {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
  readonly signed: {
    readonly targets: Record<string, unknown>
    readonly keys: Record<string, { readonly keytype: string }>
    readonly meta: Record<string, Record<string, unknown>>
  }
}
const metadata = async (repo: string, file: string): Promise<Envelope> =>
  (await readJson(join(repo, 'metadata', file))) as unknown as Envelope

test('with bins a document is listed by the bin of its path alone, and a write touches no other', async () => {
  const repo = await publishTwo({ bins: 16 })
  const digest = createHash('sha256').update(`models/${MODEL}.json`).digest('hex')
  const bin = `models-${digest.slice(0, 1)}`
  const names = await readdir(join(repo, 'metadata'))
  const rewritten = names.filter((name) => /^[23]\.models-.\.json$/.test(name))
  expect(rewritten).toEqual([`2.${bin}.json`, `3.${bin}.json`])
  expect(names.filter((name) => name.endsWith('.targets.json'))).toEqual(['1.targets.json'])
  const { signed } = await metadata(repo, `3.${bin}.json`)
  expect(Object.keys(signed.targets)).toEqual([`models/${MODEL}.json`])
})

test('the snapshot names a bin by its version alone, which a device pays for', async () => {
  const repo = await publishTwo({ bins: 16 })
  const { signed } = await metadata(repo, '4.snapshot.json')
  expect(Object.keys(signed.meta)).toHaveLength(3 + 2 * 16)
  expect(signed.meta['models-0.json']).toEqual({ version: 1 })
})

test('--ecdsa signs everything with both kinds of key, of which either counts', async () => {
  const repo = await publishTwo({ ecdsa: true })
  const { signed, signatures } = await metadata(repo, '1.root.json')
  const kinds = (ids: readonly { keyid: string }[]) =>
    ids.map(({ keyid }) => signed.keys[keyid]?.keytype ?? 'unknown').sort((a, b) => a.localeCompare(b))
  expect(kinds(signatures)).toEqual(['ecdsa', 'ed25519'])
  expect(kinds((await metadata(repo, 'timestamp.json')).signatures)).toEqual(['ecdsa', 'ed25519'])
})

test('--roles separate makes five keys, and rollouts need three of them', async () => {
  const repo = await publishTwo({ roles: 'separate' })
  expect(await readdir(`${repo}.keys`)).toEqual([
    'rollouts.pem',
    'root.pem',
    'snapshot.pem',
    'targets.pem',
    'timestamp.pem',
  ])
})

const impossible: readonly (readonly string[])[] = [
  ['--bins', '3'],
  ['--bins', '1'],
  ['--bins', '512'],
  ['--bins', 'many'],
  ['--threshold', '3/2'],
  ['--threshold', '0/2'],
  ['--threshold', '2'],
  ['--threshold', '2/3', '--ecdsa'],
  ['--roles', 'all'],
]
test.each(impossible)('init %s %s %s makes nothing', async (...args) => {
  const repo = join(await temporaryFolder(), 'repo')
  const { code, stdout } = await afield(['init', repo, '--json', ...args.filter((arg) => arg !== undefined)])
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } })
  expect(code).toBe(2)
  expect(await readdir(join(repo, '..'))).toEqual([])
})

test('a catalogue is written at once, as one version of the repository', async () => {
  const repo = join(await temporaryFolder(), 'repo')
  await initRepository({ repo }, { bins: 64 })
  const sha256 = 'ab'.repeat(32)
  const change = { author: 'Import', reason: 'a catalogue', at: '2026-11-01T00:00:00Z' }
  const names = Array.from({ length: 300 }, (_, i) => `model-${i}`)
  const index = (name: string) => {
    const release = { descriptor: { sha256, size: 1000 }, created: change.at }
    const versions = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`1.${i}.0`, release]))
    return { format: 1, name, versions, change }
  }
  const changes = names.map((name) => ({ target: `models/${name}.json`, bytes: jsonBytes(index(name)) }))
  expect(await commitDocuments({ repo }, changes)).toMatchObject({ repositoryVersion: 2 })

  const [first, last] = await readAsTuf(repo, ['models/model-0.json', 'models/model-299.json'])
  expect(JSON.parse(first ?? '')).toMatchObject({ name: 'model-0' })
  expect(JSON.parse(last ?? '')).toMatchObject({ name: 'model-299' })
  await expect(listModels({ repo })).rejects.toMatchObject({ code: 'manifest/unavailable' })
  await expect(
    commitDocuments({ repo }, [{ target: 'models/a.json', bytes: jsonBytes(index('b')) }]),
  ).rejects.toMatchObject({ code: 'manifest/invalid' })
})
