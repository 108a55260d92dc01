import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, initRepository, publish, revoke, serveRepository, types } from '@afield/cli'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { afield, copyRepository, readJson, temporaryFolder, writeJson } from './workspace.js'

let dir: string
let repo: string

/** 1.0.0 answers risk_score and needs_support; the contract of 2.0.0 lets the quiz be left out and has no decision. */
beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
  await publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0' })
  await publish({ repo, model: learnerRisk('2.0.0'), version: '2.0.0', config: await changedConfig() })
})

async function changedConfig(): Promise<string> {
  const { contract, ...config } = (await readJson(learnerRiskConfig)) as Record<string, unknown> & {
    readonly contract: {
      readonly input: { readonly fields: readonly object[] }
      readonly outputs: readonly object[]
    }
  }
  const [hours, quiz] = contract.input.fields
  return writeJson(join(dir, 'changed.config.json'), {
    ...config,
    contract: {
      input: { ...contract.input, fields: [hours, { ...quiz, missing: { default: 50 } }] },
      outputs: contract.outputs.slice(0, 1),
    },
  })
}

test('writes what the newest release takes and gives, once', async () => {
  const out = join(dir, 'src/afield-models.d.ts')
  const first = await afield(['types', '--repo', repo, '--out', out])
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('learner-risk: as 2.0.0') })
  const text = await readFile(out, 'utf8')
  expect(text).toContain("readonly 'learner-risk': {")
  expect(text).toContain('readonly quiz_score?: number')

  const { mtimeMs } = await stat(out)
  const again = await afield(['types', '--repo', repo, '--out', out, '--json'])
  expect(JSON.parse(again.stdout)).toEqual({
    out,
    status: 'unchanged',
    models: [{ name: 'learner-risk', versions: ['2.0.0'] }],
    skipped: [],
  })
  expect((await stat(out)).mtimeMs).toBe(mtimeMs)
})

describe('what a rollout may serve decides', () => {
  test('during a canary, what holds for both; after it, the one that stays', async () => {
    const canary = await copyRepository(repo, join(dir, 'canary'))
    await changeRollout({ repo: canary }, 'learner-risk', {
      kind: 'start',
      stable: '1.0.0',
      candidate: '2.0.0',
      steps: [500],
    })
    const both = await types({ repo: canary, models: [] })
    expect(both.models).toEqual([{ name: 'learner-risk', versions: ['1.0.0', '2.0.0'] }])
    expect(both.text).toContain('readonly quiz_score: number')
    expect(both.text).not.toContain('Left out')
    expect(both.text).not.toContain('readonly needs_support')
    expect(both.text).toContain('1.0.0 also answers needs_support.')

    await changeRollout({ repo: canary }, 'learner-risk', { kind: 'kill', what: 'model' })
    expect((await types({ repo: canary, models: [] })).text).toBe(both.text)
    await changeRollout({ repo: canary }, 'learner-risk', { kind: 'revive' })

    await changeRollout({ repo: canary }, 'learner-risk', { kind: 'abort' })
    const stable = await types({ repo: canary, models: ['learner-risk'] })
    expect(stable.models).toEqual([{ name: 'learner-risk', versions: ['1.0.0'] }])
    expect(stable.text).toContain('readonly needs_support: boolean')
  })

  test('a revoked version is not declared, and a model without any is left out with a word', async () => {
    const revoked = await copyRepository(repo, join(dir, 'revoked'))
    await revoke({ repo: revoked, reason: 'wrong' }, 'learner-risk', '2.0.0')
    expect((await types({ repo: revoked, models: [] })).models[0]?.versions).toEqual(['1.0.0'])
    await revoke({ repo: revoked, reason: 'wrong' }, 'learner-risk', '1.0.0')
    await expect(types({ repo: revoked, models: ['learner-risk'] })).rejects.toMatchObject({
      code: 'model/not-found',
    })
    await expect(types({ repo: revoked, models: [] })).rejects.toMatchObject({ code: 'version/unknown' })
  })
})

test('reads a deployed repository from the root that the app ships, and believes no other', async () => {
  const server = await serveRepository(repo, { port: 0 })
  try {
    const root = join(repo, 'metadata/1.root.json')
    const { text } = await types({ repo: '', url: server.url, root, models: ['learner-risk'] })
    expect(text).toBe((await types({ repo, models: [] })).text)

    const other = join(dir, 'other')
    await initRepository({ repo: other })
    const strange = join(other, 'metadata/1.root.json')
    await expect(
      types({ repo: '', url: server.url, root: strange, models: ['learner-risk'] }),
    ).rejects.toMatchObject({ code: 'manifest/signature' })
  } finally {
    await server.close()
  }
})

test('--check says whether the file is what it would become', async () => {
  const out = join(dir, 'checked.d.ts')
  const check = ['types', '--repo', repo, '--out', out, '--check']
  expect(await afield(check)).toMatchObject({ code: 1, stdout: expect.stringContaining('out of date') })
  await afield(['types', '--repo', repo, '--out', out])
  expect(await afield(check)).toMatchObject({ code: 0, stdout: expect.stringContaining('up to date') })
})

describe('refused, with a word on what to do', () => {
  test.each([
    ['a URL without a root', ['--url', 'http://127.0.0.1:1/', 'learner-risk'], 2, '--root 1.root.json'],
    ['a URL without a name', ['--url', 'http://127.0.0.1:1/', '--root', 'x'], 2, 'name the models'],
    ['an unknown model', ['nobody'], 1, 'It has: learner-risk'],
    ['what is no name', ['../x'], 2, "not a model's name"],
  ])('%s', async (_, args, code, said) => {
    const ran = await afield(['types', '--repo', repo, '--out', join(dir, 'never.d.ts'), ...args])
    expect(ran).toMatchObject({ code, stderr: expect.stringContaining(said) })
    await expect(stat(join(dir, 'never.d.ts'))).rejects.toThrow('ENOENT')
  })

  test('a file that somebody else wrote is left alone', async () => {
    const out = join(dir, 'mine.d.ts')
    await writeFile(out, 'export type Mine = 1\n')
    const ran = await afield(['types', '--repo', repo, '--out', out, '--json'])
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: 'out/not-empty' } })
    expect(await readFile(out, 'utf8')).toBe('export type Mine = 1\n')
  })

  test('an empty repository', async () => {
    const empty = join(dir, 'empty')
    await initRepository({ repo: empty })
    const ran = await afield(['types', '--repo', empty])
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('Publish one first') })
  })
})
