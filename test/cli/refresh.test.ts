import { randomUUID } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { approve, changeRollout, initRepository, listProposals, refresh, verify } from '@afield/cli'
import { beforeEach, describe, expect, test } from 'vitest'
import { MODEL, publishExample } from '../support/learner-risk.js'
import { Crash, crashingAt } from './crashes.js'
import { look } from './device.js'
import { afield, copyRepository, temporaryFolder } from './workspace.js'

const DAY_MS = 86_400_000
const START = new Date('2026-01-01T00:00:00Z')
const daysOn = (days: number): Date => new Date(START.getTime() + days * DAY_MS)

let dir: string
let repo: string

beforeEach(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo }, { now: START })
  await publishExample(repo, '1.0.0', { now: START })
})

const metadataFiles = async () => (await readdir(join(repo, 'metadata'))).sort()
const problemsAt = async (now: Date) =>
  (await verify({ repo, root: join(repo, 'metadata', '1.root.json'), now })).problems

test('does nothing while nothing is due, and then renews what is, once', async () => {
  const files = await metadataFiles()
  expect(await refresh({ repo, now: daysOn(14) })).toMatchObject({ renewed: [], repositoryVersion: 2 })
  expect(await metadataFiles()).toEqual(files)

  const renewed = await refresh({ repo, now: daysOn(20) })
  expect(renewed).toMatchObject({ renewed: ['snapshot', 'timestamp'], repositoryVersion: 3 })
  expect(renewed.refreshBy).toBe(daysOn(50).toISOString().replace('.000', ''))
  expect(await refresh({ repo, now: daysOn(20) })).toMatchObject({ renewed: [], repositoryVersion: 3 })
})

test('weekly without the release key, a device never meets an expired file for a year', async () => {
  await rename(join(`${repo}.keys`, 'release.pem'), join(dir, 'release.pem'))
  for (let days = 7; days <= 357; days += 7) {
    await refresh({ repo, now: daysOn(days) })
    await look(repo, MODEL, daysOn(days + 6).getTime() - 1).catch((error: unknown) => {
      throw new Error(`On day ${days + 6}`, { cause: error })
    })
  }
  const late = await refresh({ repo, now: daysOn(360) })
  expect(late.waiting).toEqual(['root', 'targets'])

  await rename(join(dir, 'release.pem'), join(`${repo}.keys`, 'release.pem'))
  const renewed = await refresh({ repo, now: daysOn(364) })
  expect(renewed).toMatchObject({ renewed: ['root', 'targets'], waiting: [] })
  expect(await problemsAt(daysOn(390))).toEqual([])
})

test('says which keys are missing, and renews the rest', async () => {
  repo = join(dir, 'separate')
  await initRepository({ repo }, { now: START, roles: 'separate' })
  for (const name of ['rollouts.pem', 'root.pem', 'targets.pem']) {
    await rename(join(`${repo}.keys`, name), join(dir, name))
  }
  expect(await refresh({ repo, now: daysOn(200) })).toMatchObject({
    renewed: ['snapshot', 'timestamp'],
    waiting: ['root', 'targets', 'rollouts'],
  })
})

test('one that expired long ago comes back', async () => {
  const late = daysOn(800)
  expect((await problemsAt(late)).map(({ code }) => code)).toEqual(Array(5).fill('manifest/expired'))
  await refresh({ repo, now: late })
  expect(await problemsAt(late)).toEqual([])
  expect((await look(repo, MODEL, late.getTime())).index?.versions).toHaveProperty(['1.0.0'])
})

test('renews every bin', async () => {
  repo = join(dir, 'binned')
  await initRepository({ repo }, { now: START, bins: 4 })
  const renewed = await refresh({ repo, now: daysOn(200) })
  expect(renewed.renewed).toHaveLength(3 + 3 + 8)
  expect(await problemsAt(daysOn(229))).toEqual([])
})

test('with several release keys it proposes once', async () => {
  repo = join(dir, 'shared')
  await initRepository({ repo }, { now: START, threshold: { required: 2, total: 2 } })
  const other = await copyRepository(repo)
  await rename(join(`${repo}.keys`, 'release-2.pem'), join(dir, 'release-2.pem'))
  const proposed: (string | undefined)[] = []
  for (const days of [200, 201]) {
    const refreshed = await refresh({ repo, now: daysOn(days) })
    expect(refreshed).toMatchObject({ waiting: expect.arrayContaining(['root', 'targets']), expiring: [] })
    proposed.push(refreshed.proposal?.id)
  }
  const [proposal, ...others] = await listProposals({ repo })
  expect(others).toEqual([])
  expect(proposed).toEqual([proposal?.id, proposal?.id])
  expect((await refresh({ repo, now: daysOn(340) })).expiring).toEqual(['root', 'targets'])
  expect(proposal?.does[0]).toMatch(/^Root version 2/)
  const done = await approve({ repo, keys: `${other}.keys`, now: daysOn(202) })
  expect(done).toMatchObject({ status: 'committed' })
  expect(await problemsAt(daysOn(229))).toEqual([])
})

test.each([1, 2, 3, 4])('a crash before write %i leaves the old repository valid', async (write) => {
  const files = crashingAt(repo, write)
  await expect(refresh({ repo, files, now: daysOn(200) })).rejects.toThrow(Crash)
  expect((await problemsAt(daysOn(1))).map(({ code }) => code)).toEqual([])
  await refresh({ repo, now: daysOn(200) })
  expect(await problemsAt(daysOn(200))).toEqual([])
})

test('says on the command line what it did, and that nothing is due', async () => {
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
  const { code, stdout } = await afield(['refresh', '--repo', repo])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^(Nothing is due\.|Signed anew: )/)
})

describe('on the command line, what it cannot renew', () => {
  const ago = (days: number): Date => new Date(Date.now() - days * DAY_MS)
  const run = (...more: readonly string[]) => afield(['refresh', '--repo', repo, ...more])
  const make = async (days: number, required: number) => {
    repo = join(dir, randomUUID())
    await initRepository({ repo }, { now: ago(days), threshold: { required, total: 2 } })
    const away = required === 1 ? ['release-1.pem', 'release-2.pem'] : ['release-2.pem']
    for (const name of away) await rm(join(`${repo}.keys`, name))
  }

  test.each([
    ['for lack of a key', 1, 'keys/missing'],
    ['without approvals', 2, 'proposal/waiting'],
  ])('%s lets cron go on until it soon expires', async (_, required, code) => {
    await make(200, required)
    const early = await run()
    expect(early).toMatchObject({ code: 0, stderr: '' })
    expect(early.stdout).toContain('Due, and their keys are not here: root, targets.')
    expect(early.stdout.includes('Proposal')).toBe(required === 2)

    await make(340, required)
    const late = await run()
    expect(late.code).toBe(1)
    expect(late.stdout).toContain('Signed anew: snapshot, timestamp')
    expect(late.stderr).toMatch(new RegExp(`^${code}: root, targets could not be renewed here`))

    const { code: again, stdout } = await run('--json')
    expect(again).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ expiring: ['root', 'targets'], error: { code } })
  })
})
