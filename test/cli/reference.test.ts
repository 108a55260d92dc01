import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import { sha256, utf8, type Profile } from '@afield/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { learnerRisk } from '../support/learner-risk.js'
import { download, look } from './device.js'
import { randomLayer, writeModel } from './onnx-model.js'
import { afield, readJson, temporaryFolder, writeJson } from './workspace.js'

const layers = [randomLayer(2, 4, 1), randomLayer(4, 1, 2)]

let dir: string
let repo: string
let model: string

beforeEach(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
  model = await writeModel(dir, 'model', layers)
})

async function profileOf(csv: string, options: object = {}) {
  const reference = join(dir, 'training.csv')
  await writeFile(reference, csv)
  const published = await publish({ repo, model, version: '1.0.0', reference, ...options })
  const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
  return { published, descriptor, reference: descriptor.reference }
}

/** Hours 0 … 59.9 evenly, a score in every second row, and a column that the contract does not have. */
const ROWS = 6000
const EVEN = [
  'student,quiz_score,hours_studied',
  ...Array.from({ length: ROWS }, (_, i) => `secret-${i},${i % 2 === 0 ? 50 : ''},${(i / 100).toFixed(2)}`),
].join('\n')

function numeric(profile: Profile | undefined) {
  if (profile?.kind !== 'numeric') throw new Error('The profile is not of numbers.')
  return profile
}

describe('the reference profile', () => {
  test('spreads a field over ten bins of about a tenth each', async () => {
    const { reference, published } = await profileOf(EVEN)
    expect(published.reference).toEqual({ rows: ROWS, fields: 2 })
    const hours = numeric(reference?.fields['hours_studied'])
    expect(hours).toMatchObject({ count: ROWS, missing: 0, max: 60, mean: 30 })
    expect(hours.min, 'of one row only').toBeUndefined()
    expect(hours.counts).toHaveLength(10)
    for (const count of hours.counts) expect(Math.abs(count - ROWS / 10)).toBeLessThan(ROWS / 50)
    expect(hours.counts.reduce((sum, count) => sum + count, 0)).toBe(ROWS)
  })

  test('counts what is missing, and gives equal values one bin', async () => {
    const { reference } = await profileOf(EVEN)
    expect(reference?.fields['quiz_score']).toMatchObject({
      kind: 'numeric',
      count: ROWS / 2,
      missing: ROWS / 2,
      edges: [],
      counts: [ROWS / 2],
    })
  })

  test('profiles the answers to a sample of the rows', async () => {
    const { reference } = await profileOf(EVEN)
    expect(reference?.outputs?.rows).toBe(1000)
    const score = numeric(reference?.outputs?.profiles['risk_score'])
    expect(score.count).toBe(1000)
    const support = reference?.outputs?.profiles['needs_support']
    expect(support).toMatchObject({ kind: 'categories', count: 1000 })
  })

  test('counts as the training data, unless the metrics name that', async () => {
    const { descriptor } = await profileOf(EVEN)
    const hash = await sha256(utf8(EVEN))
    expect(descriptor.lineage.trainingData).toBe(hash)
    expect(descriptor.reference?.data).toBe(hash)
  })

  test('holds no row: no other column, no rare category, no exact value', async () => {
    const config = await readJson(join(dir, 'afield.config.json'))
    const contract = config['contract'] as { input: { fields: object[] } }
    contract.input.fields[1] = { name: 'quiz_score', type: 'enum', values: ['low', 'high', 'rare'] }
    await writeJson(join(dir, 'afield.config.json'), config)
    await writeJson(join(dir, 'model.golden.json'), [
      { input: { hours_studied: 1, quiz_score: 'low' }, output: { risk_score: 0 } },
    ])
    const rows = Array.from(
      { length: 100 },
      (_, i) => `${i + 0.123456},${i % 3 === 0 ? 'low' : 'high'},secret-${i}`,
    )
    const csv = ['hours_studied,quiz_score,student', ...rows, '5,rare,secret', '6,unheard-of,secret'].join(
      '\n',
    )
    const { descriptor, reference } = await profileOf(csv, { skipReplay: true })
    expect(reference?.fields['quiz_score']).toEqual({
      kind: 'categories',
      count: 102,
      missing: 0,
      categories: [{ value: 'high', count: 66 }],
      other: 36,
    })
    const text = JSON.stringify(descriptor)
    expect(text).not.toContain('secret')
    expect(text).not.toContain('unheard-of')
    const hours = numeric(reference?.fields['hours_studied'])
    expect(hours).not.toHaveProperty('min')
    expect(hours).not.toHaveProperty('max')
    expect(Math.min(...hours.counts)).toBeGreaterThanOrEqual(5)
  })

  test('of a handful of rows shows only their number', async () => {
    const { reference } = await profileOf('hours_studied,quiz_score\n17.5,1\n21.25,2\n3.75,3\n')
    expect(reference).toMatchObject({ rows: 3 })
    expect(reference).not.toHaveProperty('outputs')
    expect(reference?.fields['hours_studied']).toEqual({
      kind: 'numeric',
      count: 0,
      missing: 0,
      edges: [],
      counts: [0],
    })
  })

  test('of the same file is the same, also when it is larger than the sample', async () => {
    const large = [
      'hours_studied,quiz_score',
      ...Array.from({ length: 30_000 }, (_, i) => `${(i * 7919) % 60},${i % 101}`),
    ]
    const first = await profileOf(large.join('\n'))
    const other = join(dir, 'other')
    await initRepository({ repo: other })
    await publish({ repo: other, model, version: '1.0.0', reference: join(dir, 'training.csv') })
    const again = await download(other, await look(other, 'learner-risk'), '1.0.0')
    expect(again.descriptor.reference).toEqual(first.reference)
    const counts = numeric(first.reference?.fields['quiz_score']).counts
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30_000)
  })

  test("comes from the config's reference too", async () => {
    await writeFile(join(dir, 'data.csv'), EVEN)
    const config = await readJson(join(dir, 'afield.config.json'))
    await writeJson(join(dir, 'afield.config.json'), { ...config, reference: 'data.csv' })
    const { code, stdout } = await afield(['publish', model, '--version', '1.0.0', '--repo', repo])
    expect(code).toBe(0)
    expect(stdout).toContain('Its reference profile covers 6,000 rows of training data.')
  })

  test('is optional', async () => {
    await publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0' })
    const { descriptor } = await download(repo, await look(repo, 'learner-risk'), '1.0.0')
    expect(descriptor.reference).toBeUndefined()
  })
})

describe('refused', () => {
  test.each([
    ['a header without a field', 'hours_studied,score\n1,2\n', /has no column for "quiz_score"/],
    ['a field named twice', 'hours_studied,quiz_score,quiz_score\n1,2,3\n', /two columns "quiz_score"/],
    [
      'what is no number',
      'hours_studied,quiz_score\n1,2\n3,much\n',
      /Row 2 of .+ has no number in the column "quiz_score"/,
    ],
    [
      'a row of another length',
      'hours_studied,quiz_score\n1,2,3\n',
      /is not a CSV file \(CSV_RECORD_INCONSISTENT/,
    ],
    [
      'a quote that never ends',
      'hours_studied,quiz_score\n1,"2\n',
      /is not a CSV file \(CSV_QUOTE_NOT_CLOSED/,
    ],
    ['no rows', 'hours_studied,quiz_score\n', /has no rows below its header/],
    ['a web page', '<!doctype html>\n<p>404</p>\n', /has no column for "hours_studied", "quiz_score"/],
    ['nothing', '', /has no rows/],
  ])('%s', async (_, csv, message) => {
    await expect(profileOf(csv)).rejects.toMatchObject({
      code: 'reference/invalid',
      message: expect.stringMatching(message),
    })
    expect((await look(repo, 'learner-risk')).version).toBe(1)
  })

  test('a value never stands in a message', async () => {
    const refusal = profileOf('hours_studied,quiz_score\n1,private\n')
    await expect(refusal).rejects.toMatchObject({ message: expect.not.stringContaining('private') })
  })

  test('a file that is not there, and a folder', async () => {
    const attempt = (reference: string) => publish({ repo, model, version: '1.0.0', reference })
    await expect(attempt(join(dir, 'none.csv'))).rejects.toMatchObject({ code: 'file/missing' })
    await expect(attempt(dir)).rejects.toMatchObject({ code: 'file/unreadable' })
  })
})
