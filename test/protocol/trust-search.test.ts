import { findTarget, type AnyTargets, type DelegatedRole } from '@afield/protocol'
import { describe, expect, test } from 'vitest'

const HASHES = { sha256: undefined }

/** Roles by name: whom each delegates to, and which targets it lists. */
type Graph = Readonly<
  Record<string, { readonly to?: readonly Partial<DelegatedRole>[]; readonly lists?: readonly string[] }>
>

function roleOf({ to = [], lists = [] }: Graph[string]): AnyTargets {
  const roles = to.map((role) => ({
    name: 'nobody',
    keyids: ['k'],
    threshold: 1,
    terminating: false,
    paths: ['*'],
    ...role,
  }))
  return {
    _type: 'targets',
    spec_version: '1.0.31',
    version: 1,
    expires: '2030-01-01T00:00:00Z',
    targets: Object.fromEntries(lists.map((path) => [path, { length: 1, hashes: HASHES }])),
    delegations: { keys: {}, roles },
  }
}

/** The roles that a search asks, in order, and whether it finds the target. */
async function search(graph: Graph, path = 'wanted') {
  const asked: string[] = []
  const found = await findTarget(path, (role, delegator) => {
    asked.push(delegator === 'root' || delegator === 'targets' ? role : `${delegator}/${role}`)
    const node = graph[role]
    return Promise.resolve(node && roleOf(node))
  })
  return { asked, found: found !== undefined }
}

describe('a search', () => {
  test('goes into each role before the next one beside it', async () => {
    const graph = {
      targets: { to: [{ name: 'A' }, { name: 'B' }] },
      A: { to: [{ name: 'C' }, { name: 'D' }] },
      B: { lists: ['wanted'] },
      C: {},
      D: {},
    }
    expect(await search(graph)).toEqual({ asked: ['targets', 'A', 'A/C', 'A/D', 'B'], found: true })
  })

  test('ends where it finds the target', async () => {
    const graph = {
      targets: { to: [{ name: 'A' }, { name: 'B' }] },
      A: { lists: ['wanted'] },
      B: { lists: ['wanted'] },
    }
    expect(await search(graph)).toEqual({ asked: ['targets', 'A'], found: true })
  })

  test('goes no further than a terminating role and what is below it', async () => {
    const graph = {
      targets: { to: [{ name: 'A' }, { name: 'B' }] },
      A: { to: [{ name: 'C', terminating: true }, { name: 'D' }] },
      C: { to: [{ name: 'E' }] },
      E: {},
      B: { lists: ['wanted'] },
      D: { lists: ['wanted'] },
    }
    expect(await search(graph)).toEqual({ asked: ['targets', 'A', 'A/C', 'C/E'], found: false })
  })

  test('asks no role twice, so that a circle ends', async () => {
    const graph = {
      targets: { to: [{ name: 'A' }] },
      A: { to: [{ name: 'B' }] },
      B: { to: [{ name: 'A' }, { name: 'B' }] },
    }
    expect(await search(graph)).toEqual({ asked: ['targets', 'A', 'A/B'], found: false })
  })

  test('asks only roles that may speak for the path', async () => {
    // SHA-256 of "wanted" begins with 7b.
    const graph = {
      targets: {
        to: [
          { name: 'A', paths: ['other/*'] },
          { name: 'B', paths: undefined, path_hash_prefixes: ['00', 'ff'] },
          { name: 'C', paths: [] },
          { name: 'D', paths: undefined, path_hash_prefixes: ['00', await hashStart('wanted')] },
        ],
      },
      D: { lists: ['wanted'] },
    }
    expect(await search(graph)).toEqual({ asked: ['targets', 'D'], found: true })
  })

  test('ends at a role that is not there', async () => {
    const graph = { targets: { to: [{ name: 'gone' }, { name: 'B' }] }, B: { lists: ['wanted'] } }
    expect(await search(graph)).toEqual({ asked: ['targets', 'gone'], found: false })
  })

  test('gives up after 32 roles', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [i === 0 ? 'targets' : `r${i}`, { to: [{ name: `r${i + 1}` }] }]),
    )
    await expect(search(chain)).rejects.toMatchObject({
      code: 'manifest/invalid',
      message: 'More than 32 roles would have to be asked about wanted.',
    })
  })

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'finds no target called %s',
    async (path) => {
      expect(await search({ targets: {} }, path)).toEqual({ asked: ['targets'], found: false })
    },
  )
})

async function hashStart(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(digest).toString('hex').slice(0, 3)
}
