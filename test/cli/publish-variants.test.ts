import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { bundle, fetchVersion, initRepository, openSource, publish, verify } from '@afield/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { writeKindModel } from '../support/kind-models.js'
import { download, look } from './device.js'
import { randomLayer, writeModel } from './onnx-model.js'
import { writeVariant } from './variant-models.js'
import { afield, temporaryFolder, writeJson, readJson } from './workspace.js'

const layer = randomLayer(2, 1, 7)
const HALF = { variant: 'fp16', backends: ['webgpu'], requires: { features: ['shader-f16'] } }

/** The published version's artifacts without their files, and what `publish` said. */
async function attempt(change: object, dir?: string) {
  const folder = dir ?? (await temporaryFolder())
  const model = await writeModel(folder, 'model', [layer], { change })
  if (!dir) {
    await writeVariant(join(folder, 'model.fp16.onnx'), layer, 'float16')
    await writeVariant(join(folder, 'model.int8.onnx'), layer, 'int8')
  }
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  return { repo, folder, published: await publish({ repo, model, version: '1.0.0' }) }
}

const described = async (repo: string) =>
  (await download(repo, await look(repo, 'learner-risk'), '1.0.0')).descriptor

describe('a model with an fp16 file for GPUs and an int8 file for small devices', () => {
  const LARGE = { memory: 4_000_000_000 }
  const tolerance = { absolute: 0.02, relative: 0.02 }
  let made: Awaited<ReturnType<typeof attempt>>

  beforeAll(async () => {
    made = await attempt({
      variants: [
        { ...HALF, tolerance: { absolute: 0.005, relative: 0.01 } },
        { variant: 'fp32', model: 'model.onnx', backends: ['wasm'], requires: LARGE },
        { variant: 'int8', backends: ['wasm'], tolerance },
      ],
    })
  })

  test('its descriptor lists them in order, and the model file last', async () => {
    const { artifacts, runtime } = await described(made.repo)
    expect(artifacts).toMatchObject([
      { ...HALF, tolerance: { absolute: 0.005 } },
      { variant: 'fp32', backends: ['wasm'], requires: LARGE },
      { variant: 'int8', backends: ['wasm'], tolerance },
      { variant: 'fp32', backends: ['wasm', 'webgpu'] },
    ])
    expect(runtime.operators).toEqual(['Cast', 'DequantizeLinear', 'MatMul', 'Tanh'])
  })

  test('what a device with nothing but WASM downloads is the file that asks for nothing', async () => {
    const { published } = made
    const bytes = published.artifacts.map(({ downloadBytes }) => downloadBytes)
    expect(published.downloadBytes).toBe(bytes[2])
    expect(published.updateBytes).toBe(bytes[2])
    expect(published.artifacts.map(({ file, replay }) => [file, replay])).toEqual([
      ['model.fp16.onnx', 'passed'],
      ['model.onnx', 'passed'],
      ['model.int8.onnx', 'passed'],
      ['model.onnx', 'passed'],
    ])
  })

  test('show, card and list tell of each', async () => {
    const at = ['--repo', made.repo]
    const { stdout: shown } = await afield(['show', 'learner-risk', ...at])
    expect(shown).toContain('fp16 on webgpu, where the GPU has shader-f16: model, ')
    expect(shown).toContain('fp32 on wasm, where the device has 4.0 GB of memory: model, ')
    expect(shown).toContain('fp32 on wasm, webgpu: model, ')
    const { stdout: card } = await afield(['card', 'learner-risk', ...at])
    expect(card).toContain('int8 on wasm: model ')
  })

  test('every file passes verify', async () => {
    const root = join(made.repo, 'metadata', '1.root.json')
    expect(await verify({ repo: made.repo, root })).toMatchObject({ versions: 1, problems: [] })
  })

  test('fetch gives each variant a folder, and what it writes can be published again', async () => {
    const out = join(made.folder, 'fetched')
    const { files } = await fetchVersion({ source: openSource(made.repo), model: 'learner-risk', out })
    expect(files).toEqual([
      '1-fp16-webgpu/learner-risk-1.0.0.onnx',
      '2-fp32-wasm/learner-risk-1.0.0.onnx',
      '3-int8-wasm/learner-risk-1.0.0.onnx',
      'learner-risk-1.0.0.onnx',
      'learner-risk-1.0.0.descriptor.json',
      'learner-risk-1.0.0.golden.json',
    ])
    const fetched = await readFile(join(out, '1-fp16-webgpu', 'learner-risk-1.0.0.onnx'))
    expect(Buffer.compare(fetched, await readFile(join(made.folder, 'model.fp16.onnx')))).toBe(0)
    const config = await readJson(join(made.folder, 'afield.config.json'))
    const variants = [{ ...HALF, model: '1-fp16-webgpu/learner-risk-1.0.0.onnx', tolerance }]
    await writeJson(join(out, 'afield.config.json'), { ...config, variants })
    const again = await publish({
      repo: made.repo,
      model: join(out, 'learner-risk-1.0.0.onnx'),
      version: '1.0.1',
    })
    expect(again).toMatchObject({ previous: '1.0.0', replay: 'passed' })
  })

  test('a seed holds what runs on WASM, and leaves out what is for GPUs alone', async () => {
    const { artifacts } = await described(made.repo)
    const out = join(made.folder, 'seed')
    await bundle({ repo: made.repo, model: 'learner-risk', version: '1.0.0', out })
    const shipped = (await readdir(join(out, 'chunks'), { recursive: true })).map((path) => path.slice(3))
    const chunks = artifacts.map(({ files }) => files.flatMap((file) => file.chunks.map((one) => one.sha256)))
    const here = chunks.map((hashes) => hashes.every((hash) => shipped.includes(hash)))
    expect(here).toEqual([false, true, true, true])
  })
})

test('without a word in the config, the one file is for WASM and WebGPU', async () => {
  const { repo } = await attempt({})
  expect((await described(repo)).artifacts).toMatchObject([{ variant: 'fp32', backends: ['wasm', 'webgpu'] }])
})

test('what only a GPU can run is left to devices, which is said and recorded', async () => {
  const folder = await temporaryFolder()
  await writeVariant(join(folder, 'model.fp16.onnx'), layer, 'bfloat16')
  const { repo, published } = await attempt({ variants: [HALF] }, folder)
  expect(published).toMatchObject({ replay: 'passed', artifacts: [{ replay: 'left-to-devices' }, {}] })
  const { artifacts } = await described(repo)
  expect(artifacts.map(({ replay }) => replay)).toEqual(['skipped', undefined])
  const model = join(folder, 'model.onnx')
  const { stderr } = await afield(['publish', model, '--version', '1.0.1', '--repo', repo])
  expect(stderr).toContain('model.fp16.onnx runs on a GPU alone')
  const onWasm = { variants: [{ variant: 'fp16', backends: ['wasm'] }] }
  await writeModel(folder, 'model', [layer], { change: onWasm })
  await expect(publish({ repo, model, version: '1.0.2' })).rejects.toMatchObject({
    code: 'graph/unsupported',
    message: expect.stringContaining('MatMul'),
  })
})

describe('refused:', () => {
  const refused: readonly [string, object, object][] = [
    [
      'a file that is not there',
      { variants: [{ ...HALF, model: 'none.onnx' }] },
      { code: 'file/missing', message: expect.stringContaining('none.onnx') },
    ],
    [
      'answers further off than the tolerance',
      { variants: [{ ...HALF, tolerance: { absolute: 1e-9, relative: 0 } }] },
      {
        code: 'model/self-test-failed',
        message: expect.stringContaining(
          'The fp16 variant model.fp16.onnx is not the model that was trained',
        ),
      },
    ],
    [
      'two files for the same devices',
      { variants: [HALF, { ...HALF, model: 'model.onnx' }] },
      { code: 'config/invalid', message: expect.stringContaining('No device would ever choose model.onnx') },
    ],
    [
      'a model file that nobody would choose',
      {
        variants: [
          { variant: 'int8', backends: ['wasm', 'webgpu'], tolerance: { absolute: 1, relative: 1 } },
        ],
      },
      {
        code: 'config/invalid',
        message: expect.stringContaining('model.int8.onnx comes before it'),
      },
    ],
    [
      'a GPU feature asked of WASM',
      { variants: [{ ...HALF, backends: ['wasm', 'webgpu'] }] },
      { code: 'config/invalid', message: expect.stringContaining('leave wasm out') },
    ],
    [
      'a model file without WASM',
      { backends: ['webgpu'] },
      { code: 'config/invalid', message: expect.stringContaining('every device starts on') },
    ],
    [
      'a misspelt requirement',
      { variants: [{ ...HALF, requires: { feature: ['shader-f16'] } }] },
      { code: 'config/invalid', message: expect.stringContaining('variants.0.requires.feature') },
    ],
  ]
  test.each(refused)('%s', async (_, change, problem) => {
    await expect(attempt(change)).rejects.toMatchObject(problem)
  })

  test('a variant that takes something else', async () => {
    const folder = await temporaryFolder()
    await writeVariant(join(folder, 'model.fp16.onnx'), randomLayer(3, 1, 1), 'float16')
    await expect(attempt({ variants: [HALF] }, folder)).rejects.toMatchObject({
      code: 'contract/mismatch',
      message: expect.stringContaining('does not fit the graph of model.fp16.onnx'),
    })
  })
})

test('a file whose shapes are fixed may run on WebNN too', async () => {
  const folder = await temporaryFolder()
  const model = await writeKindModel(folder, 'counter')
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  const { artifacts } = await publish({ repo, model, version: '1.0.0' })
  expect(artifacts).toMatchObject([{ backends: ['wasm', 'webgpu', 'webnn'] }])
})
