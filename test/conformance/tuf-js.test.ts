import { jsonBytes, utf8 } from '@afield/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeKey, type TestKey } from '../protocol/support/signing.js'
import { afield, startHost, tufJs, type Client, type FileHost } from './support/clients.js'
import {
  addRoot,
  filesOf,
  inDays,
  makeDraft,
  nextOf,
  roleKeys,
  type Draft,
  type Files,
  type Role,
} from './support/draft.js'

/** The same repositories are shown to tuf-js and to ours. */

const WANTED = ['models/m.json', 'rollouts/m.json'] as const

let first: Draft
let host: FileHost
let theirs: Client
let ours: Client

beforeEach(async () => {
  first = await makeDraft()
  const files = await filesOf(first)
  host = await startHost(files)
  const root = files.get('metadata/1.root.json') ?? new Uint8Array()
  theirs = await tufJs(host.url, root)
  ours = afield(host.url, root)
  await theirs.update(...WANTED)
  await ours.update(...WANTED)
})

afterEach(async () => {
  await theirs.close()
  await ours.close()
  await host.close()
})

type Change = (next: Draft) => unknown

async function show(change: Change): Promise<Files> {
  const next = nextOf(first)
  await change(next)
  return (host.files = await filesOf(next))
}

const roleOf = (draft: Draft, name: string): Role => {
  const role = name === 'timestamp' || name === 'snapshot' ? draft[name] : draft.roles.get(name)
  if (!role) throw new Error(`There is no role ${name}.`)
  return role
}

const say =
  (name: string, change: Readonly<Record<string, unknown>>): Change =>
  (next) =>
    Object.assign(roleOf(next, name).signed, change)

const sign =
  (name: string, signers: (next: Draft) => readonly TestKey[] | Promise<readonly TestKey[]>): Change =>
  async (next) => {
    roleOf(next, name).signers = await signers(next)
  }

describe('both accept', () => {
  test.each<[string, Change]>([
    ['a newer state', () => undefined],
    [
      'a new timestamp alone',
      (next) => {
        next.snapshot = first.snapshot
        for (const [name, role] of first.roles) next.roles.set(name, role)
      },
    ],
    ['new documents', (next) => next.documents.set('models/m.json', jsonBytes({ about: 'another' }))],
    ['unknown fields', say('targets', { 'x-note': { by: 'somebody' } })],
    ['a stranger who signs along', sign('timestamp', async ({ keys }) => [keys.timestamp, await makeKey()])],
    [
      'a new timestamp key by root 2',
      async (next) => {
        const key = await makeKey()
        addRoot(next, [key], { timestamp: roleKeys(key) })
        next.timestamp.signers = [key]
      },
    ],
    [
      'lower versions under new timestamp and snapshot keys: the way out of a fast-forward attack',
      async (next) => {
        const key = await makeKey()
        addRoot(next, [key], { timestamp: roleKeys(key), snapshot: roleKeys(key) })
        for (const role of [next.timestamp, next.snapshot]) {
          role.signers = [key]
          role.signed.version = 1
        }
      },
    ],
  ])('%s', async (_, change) => {
    await show(change)
    expect(await theirs.update(...WANTED)).toBe(2)
    expect(await ours.update(...WANTED)).toBe(2)
  })
})

test('both follow a repository without consistent snapshots', async () => {
  const plain = await makeDraft()
  for (const root of plain.roots) root.signed['consistent_snapshot'] = false
  const files = await filesOf(plain)
  const unnumbered = (path: string) => path.replace(/^metadata\/5\./, 'metadata/')
  host.files = new Map([...files].map(([path, bytes]) => [unnumbered(path), bytes]))
  const root = files.get('metadata/1.root.json') ?? new Uint8Array()
  const other = await tufJs(host.url, root)
  expect(await other.update()).toBe(0)
  expect(await afield(host.url, root).update()).toBe(0)
  await other.close()
})

const REFUSED: readonly (readonly [string, string, Change])[] = [
  ...['timestamp', 'snapshot', 'targets', 'rollouts'].flatMap((name) => {
    const other = name === 'timestamp' ? 'targets' : 'timestamp'
    return [
      [`${name} signed by a stranger`, 'manifest/signature', sign(name, async () => [await makeKey()])],
      [`${name} signed by nobody`, 'manifest/signature', sign(name, () => [])],
      [`${name} signed with the ${other} key`, 'manifest/signature', sign(name, ({ keys }) => [keys[other]])],
      [`${name} expired`, 'manifest/expired', say(name, { expires: inDays(-1) })],
      [`${name} rolled back`, 'manifest/rollback', say(name, { version: 4 })],
      [`${name} of another type`, 'manifest/invalid', say(name, { _type: 'root' })],
      [`${name} for another major version`, 'manifest/invalid', say(name, { spec_version: '2.0.0' })],
    ] as const
  }),
  [
    'timestamp signed twice by its key',
    'manifest/invalid',
    sign('timestamp', ({ keys }) => [keys.timestamp, keys.timestamp]),
  ],
  [
    'rollouts gone from the snapshot',
    'manifest/rollback',
    say('snapshot', { meta: { 'targets.json': { version: 6 } } }),
  ],
  [
    'a threshold of two, signed by one',
    'manifest/signature',
    async (next) => {
      const key = await makeKey()
      addRoot(next, [key], { timestamp: { ...roleKeys(next.keys.timestamp, key), threshold: 2 } })
    },
  ],
  [
    'root 2 signed by a stranger',
    'manifest/signature',
    async (next) => {
      addRoot(next)
      for (const root of next.roots.slice(1)) root.signers = [await makeKey()]
    },
  ],
  [
    'root 2 that has expired',
    'manifest/expired',
    (next) => {
      addRoot(next)
      for (const root of next.roots.slice(1)) root.signed['expires'] = inDays(-1)
    },
  ],
  [
    'root 2 that calls itself 3',
    'manifest/rollback',
    async (next) => {
      addRoot(next)
      for (const root of next.roots.slice(1)) root.signed.version = 3
    },
  ],
]

describe('both refuse', () => {
  test.each(REFUSED)('%s: %s', async (what, code, change) => {
    const files = await show(change)
    const misnamed = files.get('metadata/3.root.json')
    if (misnamed) files.set('metadata/2.root.json', misnamed)
    await expect(theirs.update(...WANTED), `tuf-js refuses: ${what}`).rejects.toBeInstanceOf(Error)
    await expect(ours.update(...WANTED)).rejects.toMatchObject({ name: 'AfieldError', code })
    // No refusal sticks, but for a root, which counts from when it is accepted.
    if (files.has('metadata/2.root.json')) return
    host.files = await filesOf(nextOf(nextOf(first)))
    await ours.update(...WANTED)
  })

  test('a snapshot and targets of two publishes', async () => {
    const files = await show(
      say('snapshot', { meta: { 'targets.json': { version: 7 }, 'rollouts.json': { version: 6 } } }),
    )
    files.set('metadata/7.targets.json', files.get('metadata/6.targets.json') ?? new Uint8Array())
    await expect(theirs.update(...WANTED)).rejects.toBeInstanceOf(Error)
    await expect(ours.update(...WANTED)).rejects.toMatchObject({
      code: 'manifest/invalid',
      message: expect.stringContaining('parts of two publishes are mixed'),
    })
  })

  test.each([
    'metadata/timestamp.json',
    'metadata/6.snapshot.json',
    'metadata/6.targets.json',
    'metadata/6.rollouts.json',
  ])('%s damaged, cut, doubled, replaced by a page, or missing', async (path) => {
    const files = await filesOf(nextOf(first))
    const whole = files.get(path) ?? new Uint8Array()
    const flipped = whole.slice()
    flipped[whole.length >> 1] = (flipped[whole.length >> 1] ?? 0) ^ 1
    const doubled = new Uint8Array([...whole, ...whole])
    for (const bytes of [flipped, whole.slice(0, -2), doubled, utf8('<!doctype html>'), undefined]) {
      host.files = new Map(files)
      if (bytes) host.files.set(path, bytes)
      else host.files.delete(path)
      await expect(theirs.update(...WANTED)).rejects.toBeInstanceOf(Error)
      await expect(ours.update(...WANTED)).rejects.toMatchObject({ name: 'AfieldError' })
    }
    host.files = files
    await ours.update(...WANTED)
  })
})

describe('ours alone refuses, as the specification asks', () => {
  test('a threshold of two that one key meets under two ids', async () => {
    await show((next) => {
      const { timestamp: key } = next.keys
      const id = 'f'.repeat(64)
      const twin: TestKey = {
        ...key,
        id,
        sign: async (signed) => ({ ...(await key.sign(signed)), keyid: id }),
      }
      addRoot(next, [twin], { timestamp: { keyids: [key.id, id], threshold: 2 } })
      next.timestamp.signers = [key, twin]
    })
    await expect(ours.update()).rejects.toMatchObject({ code: 'manifest/signature', details: { valid: 1 } })
  })

  test('an expired timestamp that has not changed', async () => {
    await show(say('timestamp', { expires: inDays(1) }))
    await ours.update(...WANTED)
    vi.setSystemTime(new Date(inDays(1)))
    try {
      await expect(ours.update()).rejects.toMatchObject({
        code: 'manifest/expired',
        details: { file: 'timestamp.json' },
      })
    } finally {
      vi.useRealTimers()
    }
  })
})
