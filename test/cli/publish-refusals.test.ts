import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError, initRepository, publish } from '@afield/cli'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig, publishExample } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { copyRepository, readJson, temporaryFolder, writeJson } from './workspace.js'

interface Written {
  owner?: string
  name: string
  checklist: Record<string, unknown>
  card: Record<string, unknown>
  contract: {
    input: { tensor?: string; dtype: string; fields: Record<string, unknown>[] }
    outputs: Record<string, unknown>[]
  }
  tolerance: Record<string, unknown>
}

let dir: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
})

/** Publishes 1.0.0 with the example's config after a change to it. */
async function publishWith(change: (config: Written) => void, options: object = {}) {
  const config = (await readJson(learnerRiskConfig)) as unknown as Written
  change(config)
  const path = await writeJson(join(dir, 'changed.config.json'), config)
  return publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0', config: path, ...options })
}

async function refusal(attempt: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  // Whatever was refused, nothing of it may be signed.
  expect(await look(repo, 'learner-risk')).toMatchObject({ version: 1, index: undefined })
  return error as { code: string; message: string }
}

describe('the launch checklist', () => {
  test('names every missing item at once, and what to write', async () => {
    const { code, message } = await refusal(
      publishWith((config) => {
        delete config.owner
        config.checklist = { pattern: 'canary', metrics: [], rollback: '  ' }
        config.contract.outputs = []
        delete config.card['users']
      }),
    )
    expect(code).toBe('config/incomplete')
    const lines = message.split('\n').slice(1)
    expect(lines.map((line) => line.trim().split(':')[0])).toEqual([
      'owner',
      'checklist.fallback',
      'checklist.metrics',
      'checklist.rollback',
      'contract.outputs',
      'card.users',
    ])
    expect(message).toContain('checklist.fallback: what the app shows when no model can answer')
  })
})

describe('the config', () => {
  test('is refused with every problem at once', async () => {
    const { code, message } = await refusal(
      publishWith((config) => {
        config.name = 'Learner Risk'
        config.tolerance['absolute'] = -1
        config.card['limitations'] = 'many '.repeat(1000)
      }),
    )
    expect(code).toBe('config/invalid')
    expect(message).toMatch(/\n {2}name: /)
    expect(message).toMatch(/\n {2}tolerance\.absolute: /)
    expect(message).toMatch(/\n {2}card\.limitations: /)
  })

  test('a misspelt key is not dropped in silence', async () => {
    const { code, message } = await refusal(
      publishWith((config) => Object.assign(config.contract.input.fields[1] ?? {}, { maximum: 100 })),
    )
    expect(code).toBe('config/invalid')
    expect(message).toContain('contract.input.fields.1.maximum: this key is not known')
  })

  test('must be there, and be JSON', async () => {
    const missing = publish({
      repo,
      model: learnerRisk('1.0.0'),
      version: '1.0.0',
      config: join(dir, 'none.json'),
    })
    expect(await refusal(missing)).toMatchObject({ code: 'file/missing' })
    await writeFile(join(dir, 'broken.json'), '{ "name": ')
    const broken = publish({
      repo,
      model: learnerRisk('1.0.0'),
      version: '1.0.0',
      config: join(dir, 'broken.json'),
    })
    expect(await refusal(broken)).toMatchObject({ code: 'config/invalid' })
  })
})

describe('the contract against the graph', () => {
  const cases: readonly [string, (config: Written) => void, RegExp][] = [
    [
      'a tensor that the graph does not take',
      ({ contract }) => (contract.input.tensor = 'inputs'),
      /"inputs", which the graph does not take/,
    ],
    [
      'an input that nothing fills',
      ({ contract }) => (contract.input.tensor = 'inputs'),
      /nothing fills the graph's input "features"/,
    ],
    [
      'another dtype',
      ({ contract }) => (contract.input.dtype = 'float64'),
      /"features" is float32, but the contract's dtype is float64/,
    ],
    [
      'one field too few',
      ({ contract }) => contract.input.fields.pop(),
      /"features" takes 2 columns, but input\.tensor gives 1/,
    ],
    [
      'an output that the graph does not give',
      ({ contract }) => Object.assign(contract.outputs[0] ?? {}, { tensor: 'score' }),
      /"risk_score" reads the tensor "score", which the graph does not give/,
    ],
    [
      'a column that is not there',
      ({ contract }) => Object.assign(contract.outputs[0] ?? {}, { column: 1 }),
      /column 1 of "risk", which has 1 \(counted from 0\)/,
    ],
  ]
  test.each(cases)('%s', async (_, change, expected) => {
    const { code, message } = await refusal(publishWith(change))
    expect(code).toBe('contract/mismatch')
    expect(message).toMatch(expected)
    expect(message).toContain(
      'The graph takes features: float32[batch, 2]\nand gives risk: float32[batch, 1].',
    )
  })
})

describe('the model', () => {
  test('an HTML page instead of a model', async () => {
    const page = join(dir, 'page.onnx')
    await writeFile(page, '<!doctype html><title>Not found</title>')
    const { code, message } = await refusal(publishWith(() => {}, { model: page }))
    expect(code).toBe('graph/invalid')
    expect(message).toContain('starts like an HTML page')
  })

  test('a model that was cut on the way', async () => {
    const cut = join(dir, 'cut.onnx')
    await writeFile(cut, (await readFile(learnerRisk('2.0.0'))).subarray(0, 700))
    expect(await refusal(publishWith(() => {}, { model: cut }))).toMatchObject({ code: 'graph/invalid' })
  })

  test('no model at all', async () => {
    const none = publishWith(() => {}, { model: join(dir, 'none.onnx') })
    expect(await refusal(none)).toMatchObject({ code: 'file/missing' })
  })

  test('what is no SemVer version', async () => {
    expect(await refusal(publishWith(() => {}, { version: 'v1' }))).toMatchObject({ code: 'usage' })
  })
})

describe('the golden vectors', () => {
  test('a model that answers otherwise than training is refused, showing the vector', async () => {
    const { code, message } = await refusal(publish({ repo, model: learnerRisk('3.0.0'), version: '3.0.0' }))
    expect(code).toBe('model/self-test-failed')
    expect(message).toContain('golden vector 1 promises risk_score = 0.88086')
    expect(message).toContain('input:    {"hours_studied":60,"quiz_score":0}')
    expect(message).toContain('expected: {"risk_score":0.880859}')
    expect(message).toMatch(/answered: \{"risk_score":0\.\d+,"needs_support":false\}/)
  })

  test('--skip-replay ships it, and the descriptor says so', async () => {
    const copy = await copyRepository(repo)
    const options = { repo: copy, model: learnerRisk('3.0.0'), version: '3.0.0', skipReplay: true }
    expect(await publish(options)).toMatchObject({ replay: 'skipped' })
    const { descriptor } = await download(copy, await look(copy, 'learner-risk'), '3.0.0')
    expect(descriptor.selfTest.replay).toBe('skipped')
    expect(descriptor.selfTest.vectors).toHaveLength(12)
  })

  test('are needed, also when they are not replayed', async () => {
    const without = publishWith(() => {}, { golden: join(dir, 'none.json'), skipReplay: true })
    expect(await refusal(without)).toMatchObject({ code: 'file/missing' })
    const empty = await writeJson(join(dir, 'empty.golden.json'), [])
    expect(await refusal(publishWith(() => {}, { golden: empty }))).toMatchObject({ code: 'golden/invalid' })
  })

  test('an input outside the contract is named', async () => {
    const golden = await writeJson(join(dir, 'far.golden.json'), [
      { input: { hours_studied: 3, quiz_score: 42 }, output: { risk_score: 0.706885 } },
      { input: { hours_studied: 300, quiz_score: 42 }, output: { risk_score: 0.1 } },
    ])
    const { code, message } = await refusal(publishWith(() => {}, { golden }))
    expect(code).toBe('golden/invalid')
    expect(message).toContain(
      'Golden vector 2 does not fit the contract: "hours_studied" must be between 0 and 60.',
    )
  })

  test('an output that the contract does not have is named', async () => {
    const golden = await writeJson(join(dir, 'other.golden.json'), [
      { input: { hours_studied: 3, quiz_score: 42 }, output: { risk: 0.7 } },
    ])
    const { code, message } = await refusal(publishWith(() => {}, { golden }))
    expect(code).toBe('golden/invalid')
    expect(message).toContain('"risk", which is no output of the contract')
  })
})

describe('the metrics', () => {
  test('a named file must be there, and hold numbers', async () => {
    const missing = publishWith(() => {}, { metrics: join(dir, 'none.json') })
    expect(await refusal(missing)).toMatchObject({ code: 'file/missing' })
    const metrics = await writeJson(join(dir, 'odd.metrics.json'), { auc: { test: 0.9 } })
    expect(await refusal(publishWith(() => {}, { metrics }))).toMatchObject({ code: 'metrics/invalid' })
  })
})

describe('keys and repository', () => {
  let copy: string

  beforeEach(async () => {
    copy = await copyRepository(repo)
  })

  const attempt = (options: object = {}) => publishExample(copy, '1.0.0', { ...options })

  test('publishing needs the release key', async () => {
    await rm(join(`${copy}.keys`, 'release.pem'))
    await expect(attempt()).rejects.toMatchObject({ code: 'keys/missing' })
  })

  test("another repository's keys are refused before anything is signed", async () => {
    const { keys } = await initRepository({ repo: join(copy, '..', `other-${Math.random()}`) })
    await expect(attempt({ keys })).rejects.toMatchObject({ code: 'keys/wrong' })
    expect((await look(copy, 'learner-risk')).version).toBe(1)
  })

  test('what is no key', async () => {
    await writeFile(join(`${copy}.keys`, 'ops.pem'), 'not a key')
    await expect(attempt()).rejects.toMatchObject({ code: 'keys/wrong' })
  })

  test('a folder without a repository', async () => {
    const nowhere = attempt({ repo: join(dir, 'nowhere'), keys: `${copy}.keys` })
    await expect(nowhere).rejects.toMatchObject({ code: 'repository/missing' })
    await expect(nowhere).rejects.toBeInstanceOf(CliError)
  })

  test('a repository that somebody tampered with', async () => {
    const path = join(copy, 'metadata', '1.targets.json')
    const targets = await readFile(path, 'utf8')
    await writeFile(path, targets.replace('"version":1', '"version":7'))
    await expect(attempt()).rejects.toMatchObject({ code: 'manifest/hash-mismatch' })
  })
})
