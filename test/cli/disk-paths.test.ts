import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initRepository } from '@afield/cli'
import { beforeAll, expect, test } from 'vitest'
import { afield, temporaryFolder } from './workspace.js'

let dir: string
let file: string
let repo: string

beforeAll(async () => {
  dir = await temporaryFolder()
  file = join(dir, 'file')
  repo = join(dir, 'repo')
  await writeFile(file, 'in the way')
  await initRepository({ repo })
})

const refused: readonly (readonly [string, () => readonly string[]])[] = [
  ['init inside a file', () => ['init', join(file, 'x')]],
  ['init of a file', () => ['init', file]],
  ['keys inside a file', () => ['init', join(dir, 'new'), '--keys', join(file, 'keys')]],
  ['keys that are a file', () => ['init', join(dir, 'other'), '--keys', file]],
  ['deploy to a file', () => ['deploy', file, '--repo', repo]],
  ['deploy into a file', () => ['deploy', join(file, 'site'), '--repo', repo]],
]
test.each(refused)('%s names the path, not a bug', async (_, args) => {
  const { code, stderr } = await afield(args())
  expect(stderr).toMatch(/^disk\/path: .+file.* needs a folder where a file lies/)
  expect(code).toBe(1)
})
