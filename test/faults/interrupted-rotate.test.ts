import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  changeRollout,
  initRepository,
  rotate,
  verify,
  type InitOptions,
  type RotateOptions,
} from '@afield/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { Crash, crashingAt, writesOf } from '../cli/crashes.js'
import { readAsTuf } from '../cli/tuf-client.js'
import { copyRepository, temporaryFolder } from '../cli/workspace.js'
import { MODEL, publishExample } from '../support/learner-risk.js'

const TARGETS = [`models/${MODEL}.json`, `rollouts/${MODEL}.json`]

let flat: string
let binned: string
let repo: string

async function make(at: string, options: InitOptions): Promise<string> {
  await initRepository({ repo: at }, options)
  await publishExample(at, '1.0.0')
  await changeRollout({ repo: at }, MODEL, { kind: 'start', stable: '1.0.0' })
  return at
}

beforeAll(async () => {
  const dir = await temporaryFolder()
  flat = await make(join(dir, 'flat'), {})
  binned = await make(join(dir, 'binned'), { bins: 2 })
})

const turn = (owner: string, more: Partial<RotateOptions> = {}) =>
  rotate({ repo, owner, author: 'Security', reason: 'a laptop was lost', ...more })
const problems = async () => (await verify({ repo, root: join(repo, 'metadata', '1.root.json') })).problems

describe('a crash before any write', () => {
  const cases: readonly [string, string, number][] = [
    ['release', 'flat', 4],
    ['ops', 'flat', 5],
    ['ops', 'binned', 7],
    ['release', 'binned', 7],
    ['timestamp', 'flat', 3],
  ]
  test.each(cases)(
    'of rotate %s (%s): what it was stays valid, and the next try ends it',
    async (owner, layout, count) => {
      const original = layout === 'flat' ? flat : binned
      repo = await copyRepository(original)
      const writes = await writesOf(repo, (files) => turn(owner, { files }))
      expect(writes.at(-2)).toBe('metadata/timestamp.json')
      expect(writes.at(-1)).toBe('metadata/2.root.json')
      expect(writes).toHaveLength(count)

      for (let write = 1; write <= count; write++) {
        repo = await copyRepository(original)
        await expect(turn(owner, { files: crashingAt(repo, write) })).rejects.toThrow(Crash)
        expect(await problems()).toEqual([])
        const [index] = await readAsTuf(repo, TARGETS)
        expect(JSON.parse(index ?? '')).toMatchObject({ name: MODEL })
        // Others go on meanwhile, with the keys that lie there.
        await changeRollout({ repo }, MODEL, { kind: 'kill', what: 'model' })
        expect(await problems()).toEqual([])

        expect(await turn(owner)).toMatchObject({ rootVersion: 2 })
        expect(await problems()).toEqual([])
        expect((await readdir(`${repo}.keys`)).filter((name) => name.includes('next'))).toEqual([])
        await readAsTuf(repo, TARGETS)
        await publishExample(repo, '2.0.0')
      }
    },
    60_000,
  )

  test('without the old ops key: devices wait between root and timestamp, and the next write ends it', async () => {
    const withoutOps = async () => {
      repo = await copyRepository(flat)
      await rm(join(`${repo}.keys`, 'ops.pem'))
    }
    await withoutOps()
    const writes = await writesOf(repo, (files) => turn('ops', { files }))
    expect(writes.slice(-2)).toEqual(['metadata/2.root.json', 'metadata/timestamp.json'])
    expect(await problems()).toEqual([])
    for (let write = 1; write < writes.length; write++) {
      await withoutOps()
      await expect(turn('ops', { files: crashingAt(repo, write) })).rejects.toThrow(Crash)
      expect(await problems()).toEqual([])
      expect(await turn('ops')).toMatchObject({ rootVersion: 2 })
      expect(await problems()).toEqual([])
    }
    await withoutOps()
    await expect(turn('ops', { files: crashingAt(repo, writes.length) })).rejects.toThrow(Crash)
    expect(await problems()).toMatchObject([{ code: 'manifest/signature' }])
    await changeRollout({ repo }, MODEL, { kind: 'kill', what: 'model' })
    expect(await problems()).toEqual([])
  })
})
