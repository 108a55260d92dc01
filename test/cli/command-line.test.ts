import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { look } from './device.js'
import { afield, bin, temporaryFolder } from './workspace.js'

const run = promisify(execFile)

let dir: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
})

const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

/** What many commands say, all in one process: starting Node for each would take most of the time. */
async function allSaid(
  commands: readonly (readonly string[])[],
): Promise<readonly { readonly code: number; readonly stdout: string }[]> {
  const script = `
    const all = []
    for (const [i, command] of ${JSON.stringify(commands)}.entries()) {
      let stdout = ''
      const write = process.stdout.write
      process.stdout.write = (text) => (stdout += text)
      process.argv = [process.execPath, 'afield', ...command]
      process.exitCode = undefined
      await import(${JSON.stringify(pathToFileURL(bin).href)} + '?' + i)
      process.stdout.write = write
      all.push({ code: process.exitCode, stdout })
    }
    process.exitCode = 0
    console.log(JSON.stringify(all))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script])
  return JSON.parse(stdout) as { code: number; stdout: string }[]
}

test('from an empty folder to a canary, each command saying what comes next', async () => {
  const init = await afield(['init', repo])
  expect(init).toMatchObject({ code: 0, stderr: '' })
  expect(init.stdout).toContain(join(repo, 'metadata', '1.root.json'))

  const first = await afield(['publish', learnerRisk('1.0.0'), '--version', '1.0.0', '--repo', repo])
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toContain(
    'Published learner-risk@1.0.0: 393 bytes in 1 chunk; its 12 golden vectors agree.',
  )
  expect(first.stdout).toMatch(/Refresh by \d{4}-\d{2}-\d{2}:/)

  const second = await afield(['publish', learnerRisk('2.0.0'), '--version', '2.0.0'], { AFIELD_REPO: repo })
  expect(second.stdout).toContain(
    'without a rollout, every device takes the newest release at its next check',
  )
  expect(second.stdout).toContain('afield rollout start learner-risk --candidate 2.0.0 --stable 1.0.0')

  const start = await afield(['rollout', 'start', 'learner-risk', '--candidate', '2.0.0', '--repo', repo])
  expect(start.stdout).toContain('learner-risk: 2.0.0 goes to 5 % of devices; the others run 1.0.0.')
  expect(start.stdout).toContain(`Next: afield rollout step learner-risk --repo ${repo}`)

  const step = await afield(['rollout', 'step', 'learner-risk', '--to', '12.5', '--repo', repo, '--json'])
  expect(parse(step.stdout)).toMatchObject({
    model: 'learner-risk',
    rollout: { coverage: 1250 },
    repositoryVersion: 5,
  })

  const show = await afield(['rollout', 'show', 'learner-risk', '--repo', repo])
  expect(show.stdout).toContain('2.0.0 goes to 12.5 % of devices')
  expect(show.stdout).toContain('by Release desk: rollout step')
  expect(await look(repo, 'learner-risk')).toMatchObject({ version: 5, rollout: { coverage: 1250 } })
})

describe('exit codes', () => {
  test('1 for a refusal, with its code on stderr, or as JSON on stdout', async () => {
    const args = ['publish', learnerRisk('3.0.0'), '--version', '3.0.0', '--repo', repo]
    const plain = await afield(args)
    expect(plain).toMatchObject({ code: 1, stdout: '' })
    expect(plain.stderr).toMatch(/^model\/self-test-failed: /)
    const json = await afield([...args, '--json'])
    expect(json).toMatchObject({ code: 1, stderr: '' })
    expect(parse(json.stdout)).toMatchObject({ error: { code: 'model/self-test-failed' } })
  })

  test('0 with a warning when the replay is skipped', async () => {
    const args = [
      'publish',
      learnerRisk('3.0.0'),
      '--version',
      '3.0.0',
      '--repo',
      repo,
      '--skip-replay',
      '--json',
    ]
    const { code, stdout, stderr } = await afield(args)
    expect(code).toBe(0)
    expect(parse(stdout)).toMatchObject({ version: '3.0.0', replay: 'skipped' })
    expect(stderr).toContain('Warning: the golden vectors were not replayed')
  })

  const misuses: readonly string[][] = [
    ['publish', 'model.onnx'],
    ['publish', 'model.onnx', '--version', 'one'],
    ['rollout', 'step'],
    ['rollout', 'start', 'learner-risk'],
    ['rollout', 'start', 'learner-risk', '--candidate', '2.0.0', '--steps', '5,25', '--by', '10'],
    ['rollout', 'start', 'learner-risk', '--candidate', '2.0.0', '--steps', '25,5'],
    ['rollout', 'start', 'learner-risk', '--candidate', '2.0.0', '--by', '0'],
    ['rollout', 'step', 'learner-risk', '--to', '12.345'],
    ['rollout', 'kill', 'Learner Risk'],
    ['serve', '--port', 'http'],
    ['fetch', 'learner-risk'],
    ['fetch', 'learner-risk@newest', '--out', 'x'],
    ['bundle', 'Learner Risk', '--out', 'x'],
    ['bundle', 'learner-risk', '--version', 'one', '--out', 'x'],
    ['deploy'],
    ['deploy', 'site', '--cors'],
    ['unknown'],
  ]
  test('2 for a command that was not understood', async () => {
    const answers = await allSaid(misuses.map((args) => [...args, '--json']))
    expect(answers.map(({ code }, i) => [misuses[i], code])).toEqual(misuses.map((args) => [args, 2]))
    for (const { stdout } of answers) expect(parse(stdout)).toMatchObject({ error: { code: 'usage' } })
  })
})

describe('what a name or a server says cannot steer the terminal', () => {
  const evil = 'a\u001b[2J\u009b1A\u202e\r'
  const steers = /(?!\n)[\p{Cc}\u202e]/u

  test.each([
    [
      'a file that is not there',
      ['publish', `${evil}.onnx`, '--version', '1.0.0', '--config', learnerRiskConfig],
    ],
    ['a repository that is not there', ['serve', `/nowhere/${evil}`]],
    ['a command that is not known', [evil]],
    ['an option that is not known', ['list', `--${evil}`]],
  ])('in the text of %s', async (_, args) => {
    const { code, stdout, stderr } = await afield(args)
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain('a[2J1A')
    expect(stdout + stderr).not.toMatch(steers)
    const json = await afield([...args, '--json'])
    expect(json.stdout + json.stderr).not.toMatch(steers)
    expect(parse(json.stdout)).toMatchObject({ error: { message: expect.any(String) } })
  })

  test('JSON keeps it, escaped', async () => {
    const { stdout } = await afield(['fetch', 'learner-risk', '--out', 'x', '--from', evil, '--json'])
    expect(stdout).toContain(String.raw`a\u001b[2J\u009b1A\u202e\r`)
    expect(parse(stdout)).toMatchObject({ error: { message: expect.stringContaining(evil) } })
  })

  test("a store's answer", async () => {
    const store = createServer((_, response) =>
      response.writeHead(400).end(`<Error><Code>${evil}</Code></Error>`),
    )
    store.listen(0, '127.0.0.1')
    await once(store, 'listening')
    const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`
    const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
    const args = ['deploy', 's3://models/live', '--endpoint', endpoint, '--repo', repo]
    const { code, stderr } = await afield(args, keys)
    store.close()
    expect(code).toBe(1)
    expect(stderr).toMatch(/^deploy\/refused: .+HTTP 400 a\[2J1A/)
    expect(stderr).not.toMatch(steers)
  })
})

test('--by makes an even ladder', async () => {
  const args = [
    'rollout',
    'start',
    'learner-risk',
    '--candidate',
    '2.0.0',
    '--by',
    '30',
    '--repo',
    repo,
    '--json',
  ]
  expect(parse((await afield(args)).stdout)).toMatchObject({
    rollout: { coverage: 3000, steps: [3000, 6000, 9000, 10_000] },
  })
})

test('the keys folder comes from --keys or AFIELD_KEYS', async () => {
  const other = join(dir, 'other')
  const keys = join(dir, 'safe')
  expect(await afield(['init', other, '--keys', keys])).toMatchObject({ code: 0 })
  const kill = ['rollout', 'kill', 'learner-risk', '--repo', other, '--json']
  expect(parse((await afield(kill)).stdout)).toMatchObject({ error: { code: 'keys/missing' } })
  const withKeys = await afield(kill, { AFIELD_KEYS: keys })
  expect(parse(withKeys.stdout)).toMatchObject({ error: { code: 'model/not-found' } })
})

test('every command explains itself with an example', async () => {
  const rollout = ['start', 'step', 'abort', 'promote', 'pause', 'resume', 'kill', 'revive', 'show']
  const commands = [
    [],
    ['init'],
    ['publish'],
    ['fetch'],
    ['bundle'],
    ['deploy'],
    ['serve'],
    ['list'],
    ['show'],
    ['types'],
    ['card'],
    ['docs'],
    ['alias'],
    ['revoke'],
    ['min-version'],
    ['refresh'],
    ['rotate'],
    ['approve'],
    ['verify'],
    ['log'],
    ['rollout'],
    ...rollout.map((name) => ['rollout', name]),
  ]
  for (const { code, stdout } of await allSaid(commands.map((command) => [...command, '--help']))) {
    expect(code).toBe(0)
    expect(stdout).toMatch(/Example:\n {2}\$ afield /)
    expect(stdout).toContain('Exit codes: 0 done; 1 refused or failed; 2 not understood; 3 a proposal waits')
  }
}, 30_000)

test('serve prints where it is ready, and stops when it is told to', async () => {
  const child = spawn(process.execPath, [bin, 'serve', repo, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const url = /^ready (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(line)?.[1] ?? line
  expect((await fetch(`${url}metadata/timestamp.json`)).status).toBe(200)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
