import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fillFolder } from '../../packages/cli/src/fetch/output-folder.js'
import { temporaryFolder } from './workspace.js'

const put = (text: string) => (dir: string) => writeFile(join(dir, 'model'), text)

test('a folder is replaced whole, and nothing stays beside it', async () => {
  const dir = await temporaryFolder()
  const out = join(dir, 'out')
  await fillFolder(out, put('first'))
  await expect(fillFolder(out, put('second'))).rejects.toMatchObject({ code: 'out/not-empty' })
  await fillFolder(out, put('second'), () => true)
  expect(await readFile(join(out, 'model'), 'utf8')).toBe('second')
  expect(await readdir(dir)).toEqual(['out'])
})

test('an empty one is filled', async () => {
  const out = await temporaryFolder()
  await mkdir(join(out, 'deep'))
  await fillFolder(join(out, 'deep'), put('first'))
  expect(await readdir(join(out, 'deep'))).toEqual(['model'])
})

test('where the new one cannot take its place, the old one is back', async () => {
  const dir = await temporaryFolder()
  const out = join(dir, 'out')
  await fillFolder(out, put('first'))
  const vanishing = (temporary: string) => rm(temporary, { recursive: true })
  await expect(fillFolder(out, vanishing, () => true)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readFile(join(out, 'model'), 'utf8')).toBe('first')
  expect(await readdir(dir)).toEqual(['out'])
})
