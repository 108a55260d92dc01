import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { verify } from '@afield/cli'
import { beforeAll, expect, test } from 'vitest'
import { MODEL, learnerRisk, makeExample, publishExample } from '../support/learner-risk.js'
import { look } from '../cli/device.js'
import { afield, bin, copyRepository, temporaryFolder, type Ran } from '../cli/workspace.js'

let dir: string
let original: string

beforeAll(async () => {
  dir = await temporaryFolder()
  original = await makeExample(join(dir, 'original'))
  await publishExample(original, '2.0.0')
})

/** Runs the command where no file can grow beyond some KiB: the operating system refuses the write in its middle. */
function cramped(kibibytes: number, args: readonly string[]): Promise<Ran> {
  const script = `ulimit -f ${kibibytes}; exec "$@"`
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', script, 'bash', process.execPath, bin, ...args],
      { env: { ...process.env, AFIELD_AUTHOR: 'Release desk' } },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const commands: readonly (readonly [string, readonly string[]])[] = [
  ['publish', ['publish', learnerRisk('2.0.0'), '--version', '2.0.1']],
  ['revoke', ['revoke', `${MODEL}@1.0.0`, '--reason', 'x'.repeat(900)]],
  ['rotate', ['rotate', 'release']],
  ['min-version', ['min-version', MODEL, '2.0.0', '--reason', 'x'.repeat(900)]],
]
test.each(commands)(
  '%s on a full disk says so; the old repository is valid, and the next try succeeds',
  async (_, args) => {
    const repo = await copyRepository(original)
    const full = await cramped(1, [...args, '--repo', repo])
    expect(full.stderr).toMatch(
      /^disk\/full: There is no room to write .*make room and run the command again/,
    )
    expect(full.code).toBe(1)
    expect((await look(repo, MODEL)).version).toBe(3)
    const root = join(repo, 'metadata', '1.root.json')
    expect((await verify({ repo, root })).problems).toEqual([])
    const left = await readdir(repo, { recursive: true })
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([])

    expect(await afield([...args, '--repo', repo])).toMatchObject({ code: 0 })
    expect((await verify({ repo, root })).problems).toEqual([])
    expect((await look(repo, MODEL)).version).toBe(4)
  },
)

test('init on a full disk leaves nothing behind, so that it can be tried again', async () => {
  const repo = join(dir, randomUUID())
  const full = await cramped(1, ['init', repo, '--bins', '16'])
  expect(full.stderr).toMatch(/^disk\/full: /)
  expect(await readdir(repo)).toEqual([])
  expect(await readdir(`${repo}.keys`)).toEqual([])
  expect(await afield(['init', repo, '--bins', '16'])).toMatchObject({ code: 0 })
})
