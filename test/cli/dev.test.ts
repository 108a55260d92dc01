import { once } from 'node:events'
import { copyFile, mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import { initRepository, publish, showVersion, startDev, type DevServer, type DevState } from '@afield/cli'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { writeGraph, type GraphParts } from './onnx-graph.js'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { startDevCommand } from '../support/dev-command.js'
import { afield, readJson, temporaryFolder, writeJson } from './workspace.js'

let temporary: string
let dir: string
let model: string
let csv: string
const servers: DevServer[] = []

beforeEach(async () => {
  // A folder of its own for what the server puts there.
  temporary = await temporaryFolder()
  vi.stubEnv('TMPDIR', temporary)
  dir = join(await temporaryFolder(), 'project')
  await mkdir(dir)
  model = join(dir, 'model.onnx')
  csv = join(dir, 'rows.csv')
  await copyFile(learnerRisk('1.0.0'), model)
  await writeFile(csv, 'hours_studied,quiz_score\n42.5,67\n3.5,42\n')
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function dev(options: Partial<Parameters<typeof startDev>[0]> = {}): Promise<DevServer> {
  const server = await startDev({ model, csv, port: 0, ...options })
  servers.push(server)
  return server
}

const config = () => readJson(join(dir, 'afield.config.json'))

describe('without keys, contract or checklist', () => {
  test('a model is served, and what is still to fill in lies beside it', async () => {
    const { build } = (await dev()).state()
    expect(build).toMatchObject({ model: 'model', version: '0.0.1', inferred: true, replay: 'recorded' })
    expect(build.rows.map(({ input }) => input)).toEqual([
      { hours_studied: 42.5, quiz_score: 67 },
      { hours_studied: 3.5, quiz_score: 42 },
    ])
    expect(build.vectors).toHaveLength(2)
    const written = await config()
    expect(written).toMatchObject({
      name: 'model',
      owner: 'TODO: who answers for this model',
      contract: build.contract,
    })
    expect(build.config).toMatchObject({ written: true, path: join(dir, 'afield.config.json') })
    expect(await readJson(join(dir, 'model.recorded.json'))).toEqual(build.vectors)
  })

  test('publish then asks for all that is missing at once, and says that the vectors were only recorded', async () => {
    await dev()
    const repo = join(dir, 'repo')
    await initRepository({ repo })
    const refused = await afield(['publish', model, '--version', '1.0.0', '--repo', repo])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/^config\/incomplete: /)
    const missing = [...refused.stderr.matchAll(/^ {2}([\w.]+): /gm)].map(([, at]) => at)
    expect(missing).toEqual([
      'owner',
      ...['pattern', 'fallback', 'metrics', 'rollback'].map((item) => `checklist.${item}`),
      ...[
        'type',
        'trainingDate',
        'framework',
        'intendedUse',
        'users',
        'dataSource',
        'dataSize',
        'limitations',
      ].map((item) => `card.${item}`),
    ])

    const { owner, checklist, card } = await readJson(learnerRiskConfig)
    const finished = {
      ...(await config()),
      owner,
      checklist,
      card: { ...(card as object), framework: 'sklearn' },
    }
    await writeJson(join(dir, 'afield.config.json'), finished)
    const published = await afield(['publish', model, '--version', '1.0.0', '--repo', repo])
    expect(published).toMatchObject({ code: 0 })
    expect(published.stdout).toContain('are its own, RECORDED answers')
    expect(published.stderr).toContain("the golden vectors are the model's own answers")
    expect((await showVersion({ repo }, 'model')).descriptor.selfTest.replay).toBe('recorded')
  })

  test("training's own vectors are used where it wrote some, and a model that disagrees is refused", async () => {
    const golden = join(dir, 'model.golden.json')
    const vector = (risk: number) => [{ input: { hours_studied: 42.5, quiz_score: 67 }, output: { risk } }]
    await writeJson(golden, vector(0.050505))
    expect((await dev()).state().build).toMatchObject({ replay: 'passed', vectors: [] })
    await writeJson(golden, vector(0.9))
    await expect(dev()).rejects.toMatchObject({ code: 'model/self-test-failed' })
    expect(await readdir(dir)).not.toContain('model.recorded.json')
  })
})

describe('a config that is there', () => {
  test('is used and never overwritten, finished or not', async () => {
    const { contract } = await readJson(learnerRiskConfig)
    const path = await writeJson(join(dir, 'afield.config.json'), {
      name: 'learner-risk',
      owner: 'TODO',
      contract,
    })
    const before = await readFile(path, 'utf8')
    const { build } = (await dev()).state()
    expect(build).toMatchObject({ model: 'learner-risk', inferred: false, config: { written: false } })
    expect(build.config?.missing).toContainEqual({ at: 'owner', write: 'who answers for this model' })
    expect(build.config?.missing.map(({ at }) => at)).toContain('card.users')
    expect(build.contract.outputs.map(({ name }) => name)).toEqual(['risk_score', 'needs_support'])
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  test('gets the names of a CSV as long as nobody has touched the draft of its contract', async () => {
    await (await dev({ csv: undefined })).close()
    const path = join(dir, 'afield.config.json')
    await writeJson(path, { ...(await config()), owner: 'Ada' })
    const again = await dev({ csv: undefined })
    const { notes, inferred } = again.state().build
    expect({ notes, inferred }).toEqual({ notes: [expect.stringContaining('Add a CSV')], inferred: true })
    expect(again.state().build.config?.written).toBe(false)
    const { build } = (await dev()).state()
    expect(build).toMatchObject({ inferred: true, config: { written: true } })
    expect(await config()).toMatchObject({
      owner: 'Ada',
      contract: { input: { fields: [{ name: 'hours_studied' }, { name: 'quiz_score' }] } },
    })
  })

  test('and a CSV that lacks one of its fields: the field is named', async () => {
    const { contract } = await readJson(learnerRiskConfig)
    await writeJson(join(dir, 'afield.config.json'), { contract })
    await writeFile(csv, 'Hours Studied,score\n1,2\n')
    await expect(dev()).rejects.toMatchObject({
      code: 'csv/mismatch',
      message: expect.stringMatching(
        /no column "quiz_score".*takes hours_studied, quiz_score; the header has Hours Studied, score/,
      ),
    })
  })
})

describe('a graph that no device runs is refused, and nothing is left behind', () => {
  const ports = {
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 2] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 2] }],
  } as const
  const cases: readonly [string, Partial<GraphParts>, string, RegExp][] = [
    [
      'an unknown operator',
      { operators: ['Relu', 'Foo'] },
      'graph/unsupported',
      /the operator "Foo", which onnxruntime-web/,
    ],
    [
      'an operator of another domain',
      { operators: [['com.acme', 'Bar']] },
      'graph/unsupported',
      /operator "com\.acme:Bar"/,
    ],
    ['an opset of tomorrow', { opset: 27 }, 'graph/unsupported', /opset 27.*reads opsets up to 26/],
    [
      'weights that are not there',
      { external: 'weights.bin' },
      'external-data/invalid',
      /"weights" lies in weights\.bin/,
    ],
  ]
  test.each(cases)('%s', async (_, parts, code, message) => {
    const graph = await writeGraph(dir, { ...ports, ...parts }, 'odd')
    const before = await devFolders()
    await expect(startDev({ model: graph, port: 0 })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(await devFolders()).toEqual(before)
    expect(await readdir(dir)).not.toContain('afield.config.json')
  })

  test('publish refuses an unknown operator too, also where it replays nothing', async () => {
    const graph = await writeGraph(dir, { ...ports, operators: ['Foo'] }, 'odd')
    const { contract: _, ...rest } = await readJson(learnerRiskConfig)
    const contract = {
      input: {
        kind: 'record',
        tensor: 'x',
        fields: [
          { name: 'a', type: 'number' },
          { name: 'b', type: 'number' },
        ],
      },
      outputs: [{ kind: 'value', name: 'y', tensor: 'y' }],
    }
    await writeJson(join(dir, 'afield.config.json'), { ...rest, contract })
    await writeJson(join(dir, 'odd.golden.json'), [{ input: { a: 1, b: 2 }, output: { y: 1 } }])
    const repo = join(dir, 'repo')
    await initRepository({ repo })
    const refused = publish({ model: graph, version: '1.0.0', repo, skipReplay: true })
    await expect(refused).rejects.toMatchObject({
      code: 'graph/unsupported',
      message: expect.stringContaining('"Foo"'),
    })
  })
})

test('a model that fails on one of the rows starts all the same, and says so', async () => {
  const graph = await writeGraph(
    dir,
    {
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 2] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 2] }],
      operators: ['Sqrt'],
    },
    'roots',
  )
  await writeFile(csv, 'a,b\n4,9\n-1,4\n')
  const { build } = (await dev({ model: graph })).state()
  expect(build.vectors.map(({ input }) => input)).toEqual([{ a: 4, b: 9 }])
  expect(build.notes.at(-1)).toMatch(/^The model fails on 1 of the inputs that were tried: .*"y"/)
})

describe('the server', () => {
  test('answers to loopback alone: a name that somebody points there gets nothing', async () => {
    const { url } = await dev()
    const { port, hostname } = new URL(url)
    const ask = async (host: string, path = '/') => {
      const [response] = (await once(
        request({ host: hostname, port, path, headers: { host } }).end(),
        'response',
      )) as [IncomingMessage]
      response.resume()
      return response
    }
    expect((await ask(`127.0.0.1:${port}`)).statusCode).toBe(200)
    expect((await ask(`localhost:${port}`)).statusCode).toBe(200)
    for (const path of ['/', '/events', '/repository/metadata/timestamp.json']) {
      expect((await ask(`evil.example:${port}`, path)).statusCode).toBe(403)
    }
    const repository = await ask(`127.0.0.1:${port}`, '/repository/metadata/timestamp.json')
    expect(repository.statusCode).toBe(200)
    expect(repository.headers['access-control-allow-origin']).toBeUndefined()
    expect(repository.headers['cross-origin-resource-policy']).toBe('same-origin')
    const outside = [
      '/repository/../keys/ops.pem',
      '/repository/..%2fkeys/ops.pem',
      '/page/../../package.json',
    ]
    for (const path of outside) expect((await ask(`127.0.0.1:${port}`, path)).statusCode).toBe(404)
  })

  test('has keys of this run alone, for their owner alone, and they are gone with it', async () => {
    const before = await devFolders()
    const server = await startDev({ model, csv, port: 0 })
    const [made = ''] = (await devFolders()).filter((name) => !before.includes(name))
    const keys = join(temporary, made, 'keys')
    expect((await stat(dirname(keys))).mode & 0o777).toBe(0o700)
    for (const name of ['release.pem', 'ops.pem'])
      expect((await stat(join(keys, name))).mode & 0o777).toBe(0o600)
    await server.close()
    expect(await devFolders()).toEqual(before)
  })

  test.each([
    ['Ctrl-C while it starts', false, ['SIGINT']],
    ['Ctrl-C twice', true, ['SIGINT', 'SIGINT']],
    ['its terminal is closed', true, ['SIGHUP']],
  ] as const)('%s: no key stays', async (_, ready, signals) => {
    const command = startDevCommand([model, csv])
    const exit = once(command.process, 'exit')
    await expect.poll(devFolders).not.toEqual([])
    if (ready) await command.said()
    for (const signal of signals) command.process.kill(signal)
    await exit
    expect(await devFolders()).toEqual([])
  })

  test('takes the next free port, and names one that was asked for and is taken', async () => {
    const { url } = await dev()
    const port = Number(new URL(url).port)
    await expect(dev({ port })).rejects.toMatchObject({ code: 'serve/port-in-use' })
  })

  test('follows its files; what is broken is said while the last good state serves', async () => {
    const states: DevState[] = []
    const server = await dev({ onChange: (state) => states.push(state) })
    // What is written in two steps may be told in two.
    const told = (state: object): Promise<void> => expect.poll(() => states.at(-1)).toMatchObject(state)
    await writeFile(csv, 'hours_studied,quiz\n1,2\n')
    await told({ problem: { code: 'csv/mismatch' }, build: { version: '0.0.1' } })
    await writeFile(csv, 'hours_studied,quiz_score\n9,9\n')
    await told({ problem: undefined, build: { rows: [{ input: { quiz_score: 9 } }] } })
    const { contract, ...rest } = await config()
    await writeJson(join(dir, 'afield.config.json'), { ...rest, name: 'renamed', contract })
    await told({ problem: undefined, build: { model: 'renamed' } })
    expect(server.state().build.model).toBe('renamed')

    // As converters and editors do: away, and there again, more than once.
    for (let time = 0; time < 2; time++) {
      await rename(model, `${model}.away`)
      await told({ problem: { code: 'file/missing' } })
      await rename(`${model}.away`, model)
      await told({ problem: undefined })
    }
    await writeFile(`${csv}.new`, 'hours_studied,quiz_score\n7,7\n')
    await rename(`${csv}.new`, csv)
    await told({ build: { rows: [{ input: { quiz_score: 7 } }] } })
  })
})

async function devFolders(): Promise<readonly string[]> {
  return (await readdir(temporary)).filter((name) => name.startsWith('afield-dev-'))
}
