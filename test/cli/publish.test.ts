import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initRepository, publish, type Published } from '@afield/cli'
import { sha256 } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { decisions, download, look } from './device.js'
import { digitsMlp, readJson, temporaryFolder, writeJson } from './workspace.js'

const at = (name: string, dir: string): string => join(dir, name)

describe('two versions of learner-risk', () => {
  let repo: string

  let first: Published
  let second: Published

  beforeAll(async () => {
    repo = at('repo', await temporaryFolder())
    await initRepository({ repo })
    const options = { repo, author: 'Ada' }
    first = await publish({ ...options, model: learnerRisk('1.0.0'), version: '1.0.0' })
    const reason = 'sees the interaction'
    second = await publish({ ...options, model: learnerRisk('2.0.0'), version: '2.0.0', reason })
  })

  test('each is reported with what was found', () => {
    expect(first).toMatchObject({
      name: 'learner-risk',
      version: '1.0.0',
      size: 393,
      chunks: 1,
      vectors: 12,
      replay: 'passed',
      previous: undefined,
      hasRollout: false,
      repositoryVersion: 2,
    })
    expect(second).toMatchObject({ previous: '1.0.0', hasRollout: false, repositoryVersion: 3 })
  })

  test('a device finds both, and without a rollout takes the newest', async () => {
    const seen = await look(repo, 'learner-risk')
    expect(seen.version).toBe(3)
    expect(Object.keys(seen.index?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
    expect(decisions(seen, ['any device'])).toMatchObject([
      { kind: 'serve', version: '2.0.0', reason: 'latest-release' },
    ])
  })

  test('the chunks join to the very file that training wrote', async () => {
    const seen = await look(repo, 'learner-risk')
    for (const version of ['1.0.0', '2.0.0'] as const) {
      const { model } = await download(repo, seen, version)
      expect(Buffer.compare(model, await readFile(learnerRisk(version)))).toBe(0)
    }
  })

  test('the descriptor says what was checked, and where the version comes from', async () => {
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '2.0.0')
    const config = await readJson(learnerRiskConfig)
    expect(descriptor.runtime).toEqual({
      opset: 13,
      irVersion: 8,
      operators: ['Div', 'Gemm', 'Sigmoid', 'Sub', 'Tanh'],
    })
    expect(descriptor.checklist).toEqual(config['checklist'])
    expect(descriptor.card).toMatchObject({ framework: 'scikit-learn 1.2.1' })
    expect(descriptor.card.dataSource).toContain('SYNTHETIC')
    expect(descriptor.lineage.evaluation).toMatchObject({ auc: 0.8752, rows_test: 2000 })
    const data = await readFile(join(learnerRiskConfig, '..', 'data', 'synthetic.csv'))
    expect(descriptor.lineage.trainingData).toBe(await sha256(new Uint8Array(data)))
    expect(descriptor.selfTest).toMatchObject({
      replay: 'passed',
      tolerance: { absolute: 1e-4, relative: 1e-3 },
    })
    expect(descriptor.selfTest.vectors).toHaveLength(12)
  })

  test('each index names the one before it, who changed it and why', async () => {
    const { index } = await look(repo, 'learner-risk')
    expect(index?.change).toMatchObject({ author: 'Ada', reason: 'sees the interaction' })
    const before = join(repo, 'targets', 'models', `${index?.predecessor}.learner-risk.json`)
    expect(await readJson(before)).toMatchObject({ change: { author: 'Ada', reason: 'publish 1.0.0' } })
  })

  test('a version never changes', async () => {
    const again = publish({ repo, model: learnerRisk('2.0.0'), version: '1.0.0' })
    await expect(again).rejects.toMatchObject({ code: 'version/exists' })
    expect((await look(repo, 'learner-risk')).version).toBe(3)
  })

  test('another model lives beside it', async () => {
    const published = await publish({ repo, model: digitsMlp, version: '1.0.0' })
    expect(published).toMatchObject({ name: 'digits-mlp', vectors: 10, replay: 'passed' })
    expect(Object.keys((await look(repo, 'digits-mlp')).index?.versions ?? {})).toEqual(['1.0.0'])
    expect(Object.keys((await look(repo, 'learner-risk')).index?.versions ?? {})).toHaveLength(2)
  })
})

test('config, golden vectors and metrics are found beside the model', async () => {
  const dir = await temporaryFolder()
  const repo = at('repo', dir)
  await initRepository({ repo })
  for (const ending of ['onnx', 'golden.json']) {
    const source = learnerRisk('1.0.0').replace(/onnx$/, ending)
    await copyFile(source, at(`model.${ending}`, dir))
  }
  const config = await readJson(learnerRiskConfig)
  const card = { ...(config['card'] as object), framework: 'hand-made 1.0' }
  await writeJson(at('afield.config.json', dir), { ...config, name: 'found-beside', card })

  expect(await publish({ repo, model: at('model.onnx', dir), version: '0.1.0-beta.1' })).toMatchObject({
    name: 'found-beside',
  })
  const { descriptor } = await download(repo, await look(repo, 'found-beside'), '0.1.0-beta.1')
  expect(descriptor.card.framework).toBe('hand-made 1.0')
  expect(descriptor.lineage).toEqual({})
})

test('a write renews an expired repository', async () => {
  const repo = at('repo', await temporaryFolder())
  await initRepository({ repo }, { now: new Date('2026-01-01T00:00:00Z') })
  const later = new Date('2026-08-01T00:00:00Z')
  await expect(look(repo, 'learner-risk', later.getTime())).rejects.toMatchObject({
    code: 'manifest/expired',
  })

  const options = { repo, model: learnerRisk('1.0.0'), version: '1.0.0', skipReplay: true }
  expect(await publish({ ...options, now: later })).toMatchObject({ refreshBy: '2026-08-31T00:00:00Z' })
  expect((await look(repo, 'learner-risk', later.getTime())).version).toBe(2)
  // The rollouts had less than half of their year left, so they were signed again as well.
  const { signed } = (await readJson(join(repo, 'metadata', '2.rollouts.json'))) as {
    signed: { expires: string }
  }
  expect(signed.expires).toBe('2027-08-01T00:00:00Z')
})
