import { randomUUID } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, changeRollout, deploy, fetchVersion, folderTarget, openSource, publish } from '@afield/cli'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { learnerRisk, makeExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { afield, copyRepository, digitsMlp, temporaryFolder } from './workspace.js'

const model = 'learner-risk'

let dir: string
let original: string
let repo: string
let out: string

/** Two versions of learner-risk, and another model beside it. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'), ['1.0.0', '2.0.0'])
  await publish({ repo: original, model: digitsMlp, version: '1.0.0', skipReplay: true })
})

beforeEach(async () => {
  repo = await copyRepository(original)
  out = join(dir, randomUUID())
})

test('a client that is pointed at it sees a valid repository with this one model', async () => {
  const bundled = await bundle({ repo, model, out })
  expect(bundled).toMatchObject({ name: 'learner-risk', version: '2.0.0', repositoryVersion: 4, files: 9 })
  const seen = await look(out, 'learner-risk')
  expect(seen).toMatchObject({ version: 4, rollout: undefined })
  const { model: bytes } = await download(out, seen, '2.0.0')
  expect(Buffer.compare(bytes, await readFile(learnerRisk('2.0.0')))).toBe(0)
  await expect(look(out, 'digits-mlp')).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await fetchVersion({ source: openSource(out), model, out: `${out}-fetched` })).toMatchObject({
    version: '2.0.0',
  })
})

test('it holds what a device needs and nothing else', async () => {
  const { bytes } = await bundle({ repo, model, out })
  const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  const kinds = files.map(({ name }) => name.replace(/[0-9a-f]{64}/, '#')).sort()
  expect(kinds).toEqual([
    '#',
    '#.json',
    '#.learner-risk.json',
    '1.rollouts.json',
    '1.root.json',
    '4.snapshot.json',
    '4.targets.json',
    'bundle.json',
    'timestamp.json',
  ])
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await readFile(join(parentPath, name))).length),
  )
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes)
})

test('it carries the version that devices run, and the rollout', async () => {
  await changeRollout({ repo }, model, {
    kind: 'start',
    candidate: '2.0.0',
    stable: '1.0.0',
  })
  expect(await bundle({ repo, model, out })).toMatchObject({ version: '1.0.0' })
  const seen = await look(out, 'learner-risk')
  expect(seen.rollout).toMatchObject({ stable: '1.0.0', candidate: '2.0.0' })
  await download(out, seen, '1.0.0')
  await expect(download(out, seen, '2.0.0')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('another version when it is named', async () => {
  expect(await bundle({ repo, model, out, version: '1.0.0' })).toMatchObject({
    version: '1.0.0',
  })
  await download(out, await look(out, 'learner-risk'), '1.0.0')
})

test('an earlier bundle is replaced whole; a folder with anything else is left alone', async () => {
  await bundle({ repo, model, out, version: '1.0.0' })
  await bundle({ repo, model, out })
  const seen = await look(out, 'learner-risk')
  await download(out, seen, '2.0.0')
  await expect(download(out, seen, '1.0.0')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(bundle({ repo, model, out: dir })).rejects.toMatchObject({ code: 'out/not-empty' })
})

test('the repository itself is no place for it', async () => {
  await expect(bundle({ repo, model, out: repo })).rejects.toMatchObject({ code: 'out/not-empty' })
  await download(repo, await look(repo, 'learner-risk'), '1.0.0')
})

test('an earlier bundle survives one that fails', async () => {
  await bundle({ repo, model, out })
  await expect(bundle({ repo, model, out, version: '7.0.0' })).rejects.toMatchObject({
    code: 'version/unknown',
  })
  await download(out, await look(out, 'learner-risk'), '2.0.0')
})

test('a killed model and an expired repository are no seed', async () => {
  const now = new Date(Date.now() + 90 * 86_400_000)
  await expect(bundle({ repo, model, out, now })).rejects.toMatchObject({ code: 'manifest/expired' })
  await changeRollout({ repo }, model, { kind: 'start', stable: '1.0.0' })
  await changeRollout({ repo }, model, { kind: 'kill', what: 'model' })
  await expect(bundle({ repo, model, out })).rejects.toMatchObject({ code: 'bundle/nothing-to-ship' })
})

test('it can be made from what was deployed', async () => {
  const site = `${out}-site`
  await deploy({ repo, target: folderTarget(site) })
  expect(await bundle({ repo: site, model, out })).toMatchObject({ version: '2.0.0' })
})

test('the command prints its bytes', async () => {
  const { code, stdout } = await afield(['bundle', 'learner-risk', '--out', out, '--repo', repo])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Bundled learner-risk@2\.0\.0 into .+: [\d,]+ bytes in 9 files\.\n/)
  const named = await afield([
    'bundle',
    'learner-risk',
    '--version',
    '1.0.0',
    '--out',
    out,
    '--repo',
    repo,
    '--json',
  ])
  expect(JSON.parse(named.stdout)).toMatchObject({ version: '1.0.0' })
})
