import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  changeRollout,
  initRepository,
  listModels,
  publish,
  readLog,
  revoke,
  rotate,
  showVersion,
} from '@afield/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { MODEL, learnerRisk } from '../support/learner-risk.js'
import { look } from './device.js'
import { afield, copyRepository, temporaryFolder } from './workspace.js'

const at = (day: number): Date => new Date(Date.UTC(2026, 2, day))

let dir: string
let repo: string
/** Of 1.0.0, over the wire. */
let downloadBytes: number

/** Day 1: made. 2: 1.0.0. 3: 2.0.0 for everyone. 4: pinned to 1.0.0. 5: a canary. 6: new keys. 7: 2.0.0 revoked. */
beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  const by = (author: string, reason: string, day: number) => ({ repo, author, reason, now: at(day) })
  await initRepository({ repo }, { author: 'Ada', now: at(1) })
  const ada = (version: '1.0.0' | '2.0.0', day: number) => ({
    ...by('Ada', `release ${version}`, day),
    model: learnerRisk(version),
    version,
    skipReplay: true,
  })
  downloadBytes = (await publish(ada('1.0.0', 2))).downloadBytes
  await publish(ada('2.0.0', 3))
  await changeRollout(by('Ben', 'too early', 4), MODEL, { kind: 'start', stable: '1.0.0' })
  await changeRollout(by('Ben', 'now', 5), MODEL, { kind: 'start', candidate: '2.0.0', steps: [2500] })
  await rotate({ ...by('Cem', 'a laptop was lost', 6), owner: 'ops' })
  await revoke(by('Ada', 'wrong table', 7), MODEL, '2.0.0')
})

describe('log', () => {
  test('goes from the newest change back to the first root, each with who, what, why and when', async () => {
    const { entries } = await readLog({ repo }, MODEL)
    expect(
      entries.map(({ kind, author, reason, at, what }) => [at?.slice(8, 10), kind, author, reason, what[0]]),
    ).toEqual([
      ['07', 'index', 'Ada', 'wrong table', 'Revokes learner-risk@2.0.0: wrong table'],
      ['06', 'root', 'Cem', 'a laptop was lost', 'Root version 2, valid until 2027-03-06.'],
      ['05', 'rollout', 'Ben', 'now', 'learner-risk: 2.0.0 goes to 25 % of devices; the others run 1.0.0.'],
      ['04', 'rollout', 'Ben', 'too early', 'learner-risk: every device runs 1.0.0.'],
      ['03', 'index', 'Ada', 'release 2.0.0', expect.stringMatching(/^Adds learner-risk@2\.0\.0 /)],
      ['02', 'index', 'Ada', 'release 1.0.0', expect.stringMatching(/^Adds learner-risk@1\.0\.0 /)],
      ['01', 'root', 'Ada', 'init', 'The first root: the beginning of all trust.'],
    ])
  })

  test.each([
    ['2026-03-02T12:00:00Z', '1.0.0', undefined, 'every device runs 1.0.0.'],
    ['2026-03-03T12:00:00Z', '2.0.0', undefined, 'every device runs 2.0.0.'],
    ['2026-03-04T12:00:00Z', '1.0.0', undefined, 'every device runs 1.0.0.'],
    [
      '2026-03-05T12:00:00Z',
      '1.0.0',
      '2.0.0',
      '2.0.0 goes to 25 % of devices; every device besides runs 1.0.0.',
    ],
    ['2026-03-07T12:00:00Z', '1.0.0', undefined, 'every device runs 1.0.0.'],
  ])('says what was serving at %s', async (moment, version, candidate, sentence) => {
    const { serving } = await readLog({ repo, at: new Date(moment) }, MODEL)
    expect(serving).toMatchObject({ sentence: `${MODEL}: ${sentence}` })
    expect([serving?.version, serving?.candidate]).toEqual([version, candidate])
  })

  test('on the command line, for people and for programs', async () => {
    const people = await afield(['log', MODEL, '--repo', repo])
    expect(people.stdout).toContain('Cem: a laptop was lost')
    const then = await afield(['log', MODEL, '--at', '2026-03-05T12:00:00Z', '--repo', repo])
    expect(then.stdout).toBe(
      'At 2026-03-05T12:00:00.000Z: learner-risk: 2.0.0 goes to 25 % of devices; every device besides runs 1.0.0.\n',
    )
    const json = await afield(['log', MODEL, '--repo', repo, '--json'])
    expect((JSON.parse(json.stdout) as { entries: unknown[] }).entries).toHaveLength(7)
  })

  test.each([['yesterday'], ['2026-13-01'], ['2026-03-01 09:30']])('--at %s is refused', async (moment) => {
    const { code } = await afield(['log', MODEL, '--at', moment, '--repo', repo])
    expect(code).toBe(2)
  })

  test('before the first publish there was nothing, and that is said', async () => {
    await expect(readLog({ repo, at: at(1) }, MODEL)).rejects.toMatchObject({
      message: expect.stringContaining('first published 2026-03-02'),
    })
  })

  describe('a broken chain', () => {
    const oldest = async (copy: string): Promise<string> => {
      const { entries } = await readLog({ repo: copy }, MODEL)
      const first = entries.filter(({ kind }) => kind === 'index').at(-1)
      return join(copy, 'targets', 'models', `${first?.id}.${MODEL}.json`)
    }

    test('a document that is gone', async () => {
      const copy = await copyRepository(repo)
      await rename(await oldest(copy), join(dir, 'elsewhere.json'))
      await expect(readLog({ repo: copy }, MODEL)).rejects.toMatchObject({ code: 'manifest/unavailable' })
    })

    test('history rewritten', async () => {
      const copy = await copyRepository(repo)
      const file = await oldest(copy)
      await writeFile(file, (await readFile(file, 'utf8')).replace('Ada', 'Eve'))
      await expect(readLog({ repo: copy }, MODEL)).rejects.toMatchObject({ code: 'manifest/hash-mismatch' })
      expect((await look(copy, MODEL, at(8).getTime())).index).toBeDefined()
    })
  })
})

test('list: newest version, what serves, bytes, and when it expires', async () => {
  const catalogue = await listModels({ repo })
  expect(catalogue).toMatchObject({
    expires: '2026-04-06T00:00:00Z',
    models: [
      {
        name: MODEL,
        versions: 2,
        newest: '1.0.0',
        serves: 'learner-risk: every device runs 1.0.0.',
        bytes: downloadBytes,
        changed: at(7).toISOString(),
      },
    ],
  })
  const { stdout } = await afield(['list', '--repo', repo])
  expect(stdout).toContain(`learner-risk  newest 1.0.0 of 2, ${downloadBytes} bytes`)
})

test('an empty repository lists nothing', async () => {
  const empty = join(dir, 'empty')
  await initRepository({ repo: empty })
  expect((await listModels({ repo: empty })).models).toEqual([])
  expect((await afield(['list', '--repo', empty])).stdout).toContain('No model is published yet.')
})

describe('show', () => {
  test('the newest release that may run, or the version that is named', async () => {
    expect(await showVersion({ repo }, MODEL)).toMatchObject({ version: '1.0.0', bytes: downloadBytes })
    const named = await showVersion({ repo }, `${MODEL}@2.0.0`)
    expect(named).toMatchObject({ version: '2.0.0', release: { revoked: { reason: 'wrong table' } } })
    const bytes = await readFile(join(repo, 'descriptors', `${named.sha256}.json`))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(named.sha256)
  })

  test('in words', async () => {
    const { stdout } = await afield(['show', `${MODEL}@2.0.0`, '--repo', repo])
    for (const said of [
      'REVOKED 2026-03-07T00:00:00.000Z by Ada: wrong table',
      'Intended use: To show how Afield delivers a model',
      'Fallback: The page says',
      '"name": "hours_studied"',
      'Descriptor ',
    ]) {
      expect(stdout).toContain(said)
    }
  })

  test.each([[`${MODEL}@9.0.0`], [`${MODEL}@x`], ['nobody']])('%s is not there', async (reference) => {
    await expect(showVersion({ repo }, reference)).rejects.toMatchObject({ code: 'model/not-found' })
  })
})
