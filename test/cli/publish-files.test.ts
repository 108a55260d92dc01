import { execFile } from 'node:child_process'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { initRepository, publish } from '@afield/cli'
import { recordInput, sha256, utf8 } from '@afield/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { download, look } from './device.js'
import { bytesOf, randomLayer, writeModel, type External } from './onnx-model.js'
import { temporaryFolder } from './workspace.js'

/** 2 → 300 → 1: the first layer's weights stay in the model, the others lie in `weights/big.bin` where a test says so. */
const layers = [randomLayer(2, 300, 1), randomLayer(300, 300, 2), randomLayer(300, 1, 3)]

let dir: string
let repo: string

beforeEach(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
  await writeFile(join(dir, 'big.bin'), Buffer.concat(layers.slice(1).map(bytesOf)))
})

const SECOND: External = { location: 'big.bin', offset: '0', length: '360000' }
const THIRD: External = { location: './big.bin', offset: '360000', length: '1200' }

const attempt = async (external: readonly (External | undefined)[], change = {}) =>
  publish({ repo, model: await writeModel(dir, 'model', layers, { external, change }), version: '1.0.0' })

describe('external data', () => {
  test('is found beside the model, replayed with it, and published as a file of its own', async () => {
    const published = await attempt([undefined, SECOND, THIRD])
    expect(published).toMatchObject({ files: 2, replay: 'passed' })
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
    const files = descriptor.artifacts[0]?.files ?? []
    expect(files).toMatchObject([
      { role: 'model' },
      { role: 'external-data', path: 'big.bin', size: 361_200 },
    ])
  })

  const refused: readonly [string, External, RegExp][] = [
    ['missing', { ...SECOND, location: 'none.bin' }, /"w1" lies in none\.bin, which is not beside the model/],
    [
      'in the folder above',
      { ...SECOND, location: '../big.bin' },
      /"w1" lies in "\.\.\/big\.bin", which is no plain path/,
    ],
    ['at an absolute path', { ...SECOND, location: '/etc/passwd' }, /no plain path below the model's folder/],
    ['nowhere', { ...SECOND, location: '' }, /"w1" lies in ""/],
    [
      'too short',
      { ...SECOND, offset: '2000' },
      /"w1" ends at byte 362000 of big\.bin, which has 361200 bytes/,
    ],
    [
      'at no offset',
      { ...SECOND, offset: '-4' },
      /"w1" has an offset or a length that is no number of bytes/,
    ],
    ['of no length', { ...SECOND, length: 'all' }, /"w1" has an offset or a length/],
  ]
  test.each(refused)('%s: refused by the name of its tensor', async (_, external, message) => {
    await expect(attempt([undefined, external, THIRD])).rejects.toMatchObject({
      code: 'external-data/invalid',
      message: expect.stringMatching(message),
    })
    expect((await look(repo, 'learner-risk')).version).toBe(1)
  })

  test('that was cut is noticed where the model says no length, by the shape', async () => {
    await truncate(join(dir, 'big.bin'), 100_000)
    const { length: _, ...open } = SECOND
    await expect(attempt([undefined, open as External, undefined])).rejects.toMatchObject({
      code: 'external-data/invalid',
      message: expect.stringContaining('ends at byte 360000 of big.bin, which has 100000 bytes'),
    })
  })

  test('of another model fails its golden vectors', async () => {
    await writeFile(
      join(dir, 'big.bin'),
      Buffer.concat([randomLayer(300, 300, 9), randomLayer(300, 1, 10)].map(bytesOf)),
    )
    await expect(attempt([undefined, SECOND, THIRD])).rejects.toMatchObject({
      code: 'model/self-test-failed',
    })
  })
})

describe('assets', () => {
  test('travel with the model', async () => {
    await writeFile(join(dir, 'labels.txt'), 'low\nhigh\n')
    expect(await attempt([], { assets: ['labels.txt'] })).toMatchObject({ files: 2 })
    const { descriptor, model } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
    expect(descriptor.artifacts[0]?.files[1]).toMatchObject({ role: 'asset', path: 'labels.txt', size: 9 })
    expect(Buffer.from(model.subarray(-9)).toString()).toBe('low\nhigh\n')
  })

  test.each([
    ['that are not there', ['none.txt'], 'file/missing'],
    ['outside the folder', ['../secret.txt'], 'config/invalid'],
    ['named twice', ['labels.txt', 'labels.txt'], 'config/invalid'],
    ['that hold weights', ['big.bin'], 'config/invalid'],
  ])('%s are refused', async (_, assets, code) => {
    await writeFile(join(dir, 'labels.txt'), 'low\nhigh\n')
    await expect(attempt([undefined, SECOND, THIRD], { assets })).rejects.toMatchObject({ code })
  })

  test('that are empty are refused', async () => {
    await writeFile(join(dir, 'empty.txt'), '')
    await expect(attempt([], { assets: ['empty.txt'] })).rejects.toMatchObject({ code: 'config/invalid' })
  })
})

describe('what the config may say beside', () => {
  test('is written down: runtime, retraining, state, features, lock file', async () => {
    await writeFile(join(dir, 'requirements.lock'), 'scikit-learn==1.2.1\n')
    await attempt([], {
      runtime: { ort: '>=1.20.0 <2.0.0' },
      retrainBy: '2027-06-30',
      stateEpoch: 3,
      lineage: { codeRevision: 'a1b2c3', featureVersion: 'features-7', lockFile: 'requirements.lock' },
    })
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
    expect(descriptor).toMatchObject({
      runtime: { ort: '>=1.20.0 <2.0.0', opset: 13 },
      retrainBy: '2027-06-30',
      stateEpoch: 3,
      lineage: {
        codeRevision: 'a1b2c3',
        featureVersion: 'features-7',
        lockFile: await sha256(utf8('scikit-learn==1.2.1\n')),
      },
    })
  })

  test.each([
    [{ runtime: { ort: 'newest' } }, /runtime\.ort: not a range such as/],
    [{ retrainBy: 'soon' }, /retrainBy: /],
    [{ stateEpoch: -1 }, /stateEpoch: /],
    [{ retrainDate: '2027-06-30' }, /retrainDate: this key is not known/],
    [{ lineage: { lockfile: 'x' } }, /lineage\.lockfile: this key is not known/],
  ])('%j is refused', async (change, message) => {
    await expect(attempt([], change)).rejects.toMatchObject({
      code: 'config/invalid',
      message: expect.stringMatching(message),
    })
  })

  test('a lock file that is not there is refused', async () => {
    await expect(attempt([], { lineage: { lockFile: 'none.lock' } })).rejects.toMatchObject({
      code: 'file/missing',
    })
  })

  test('the commit is found where the model lies in a checkout', async () => {
    const model = await writeModel(dir, 'model', layers)
    const git = (...args: readonly string[]) =>
      promisify(execFile)('git', [
        '-C',
        dir,
        '-c',
        'user.name=Ada',
        '-c',
        'user.email=ada@example.org',
        ...args,
      ])
    await git('init', '--quiet')
    await git('add', 'model.onnx')
    await git('commit', '--quiet', '--message', 'Train')
    const head = (await git('rev-parse', 'HEAD')).stdout.trim()
    await publish({ repo, model, version: '1.0.0' })
    await writeModel(dir, 'model', [randomLayer(2, 1, 5)])
    await publish({ repo, model, version: '1.0.1' })
    const revisionOf = async (version: string) =>
      (await download(repo, await look(repo, 'learner-risk'), version)).descriptor.lineage.codeRevision
    expect(await revisionOf('1.0.0')).toBe(head)
    expect(await revisionOf('1.0.1')).toBe(`${head}-dirty`)
  })

  test('every field of a model card can be said', async () => {
    const model = await writeModel(dir, 'model', layers)
    const path = join(dir, 'afield.config.json')
    const config = JSON.parse(await readFile(path, 'utf8')) as { card: object }
    await writeFile(
      path,
      JSON.stringify({ ...config, card: { ...config.card, endpoint: '/risk', latencyP95: 12.5 } }),
    )
    const metrics = { precision: 0.8, recall: 0.5, auc: 0.87 }
    await writeFile(join(dir, 'model.metrics.json'), JSON.stringify(metrics))
    await publish({ repo, model, version: '1.0.0' })
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
    const { type, trainingDate, framework, intendedUse, users, dataSource, dataSize, limitations, ...more } =
      descriptor.card
    for (const said of [
      type,
      trainingDate,
      framework,
      intendedUse,
      users,
      dataSource,
      dataSize,
      limitations,
    ]) {
      expect(said).not.toBe('')
    }
    expect(more).toEqual({ endpoint: '/risk', latencyP95: 12.5 })
    expect(descriptor.lineage.evaluation).toEqual(metrics)
    expect(recordInput(descriptor.contract).fields.map(({ name }) => name)).toEqual([
      'hours_studied',
      'quiz_score',
    ])
    expect(descriptor.slo.availability).toBeGreaterThan(0)
  })
})

describe('files that cannot be read', () => {
  test('an empty model', async () => {
    const model = await writeModel(dir, 'model', layers)
    await writeFile(model, '')
    await expect(publish({ repo, model, version: '1.0.0' })).rejects.toMatchObject({
      code: 'graph/invalid',
      message: expect.stringContaining('is empty'),
    })
  })

  test('a truncated model', async () => {
    const model = await writeModel(dir, 'model', layers)
    await truncate(model, 200_000)
    await expect(publish({ repo, model, version: '1.0.0' })).rejects.toMatchObject({ code: 'graph/invalid' })
  })

  test('a folder in place of each file', async () => {
    const model = await writeModel(dir, 'model', layers)
    for (const options of [
      { model: dir },
      { model, golden: dir },
      { model, metrics: dir },
      { model, config: dir },
    ]) {
      const config = join(dir, 'afield.config.json')
      await expect(publish({ repo, version: '1.0.0', config, ...options })).rejects.toMatchObject({
        code: 'file/unreadable',
      })
    }
    await rm(model)
    await expect(publish({ repo, model, version: '1.0.0' })).rejects.toMatchObject({ code: 'file/missing' })
  })
})
