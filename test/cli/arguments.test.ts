import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { initRepository } from '@afield/cli'
import { beforeAll, expect, test } from 'vitest'
import { learnerRisk, makeExample } from '../support/learner-risk.js'
import { look } from './device.js'
import { afield, temporaryFolder } from './workspace.js'

let dir: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  repo = await makeExample(join(dir, 'repo'))
})

test.each([
  ['revoke', ['--reason', 'wrong table']],
  ['fetch', ['--out', '/nowhere/out']],
])('%s takes one version, and no rest after it', async (command, rest) => {
  const { code, stderr } = await afield([command, 'learner-risk@1.0.0@x', ...rest, '--repo', repo])
  expect(stderr).toMatch(/^usage: "learner-risk@1\.0\.0@x" has more than one @/)
  expect(code).toBe(2)
  expect((await look(repo, 'learner-risk')).version).toBe(2)
})

test('a publish that has to wait leaves its proposal where --proposals says', async () => {
  const shared = join(dir, 'shared')
  const proposals = join(dir, 'waiting')
  await initRepository({ repo: shared }, { threshold: { required: 2, total: 2 } })
  await rm(join(`${shared}.keys`, 'release-2.pem'))
  const args = ['publish', learnerRisk('1.0.0'), '--version', '1.0.0', '--repo', shared]
  expect(await afield([...args, '--proposals', proposals])).toMatchObject({ code: 3, stderr: '' })
  expect(await readdir(proposals)).toHaveLength(1)
})

test('proposals inside the repository would be published, so they are refused', async () => {
  const proposals = join(repo, 'pending')
  const args = ['publish', learnerRisk('2.0.0'), '--version', '2.0.0', '--repo', repo]
  const { code, stderr } = await afield([...args, '--proposals', proposals])
  expect(stderr).toMatch(/^usage: The proposals folder .+ is inside the repository.+--proposals/)
  expect(code).toBe(2)
  expect(await afield(args, { AFIELD_PROPOSALS: repo })).toMatchObject({ code: 2 })
  expect((await look(repo, 'learner-risk')).version).toBe(2)
})
