import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GUIDES, compileGuides, followGuide, guideFolder, runGuide } from './follow-guide.js'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'afield-guides-'))
})

afterAll(() => rm(dir, { recursive: true }))

test.each(GUIDES)(
  '$guide: its commands run as written, and the model answers as training did',
  async (guide) => {
    // Whoever has no Python begins with the committed export.
    const followed = await followGuide(guide, await guideFolder(dir, guide.guide))
    expect(followed).toMatchObject({ agreeing: 12, disagreeing: 0 })
    expect(followed.transcript).toContain(`Published ${guide.model}@1.0.0`)
    expect(followed.transcript).toContain('its 12 golden vectors agree')
    expect(followed.transcript).toMatch(/^1\.0\.0 \{/m)
  },
  60_000,
)

// They wait for commands most of the time.
describe.concurrent('what is not from a framework', () => {
  test('keep-answering: a model that is killed says so at the next call', async ({ expect }) => {
    const transcript = await runGuide('keep-answering', await guideFolder(dir, 'keep-answering'))
    expect(transcript).toMatch(/^1\.0\.0\nmodel\/killed$/m)
  }, 60_000)

  test('fast-on-every-device: variants are published and told of', async ({ expect }) => {
    const transcript = await runGuide('fast-on-every-device', await guideFolder(dir, 'fast'))
    expect(transcript).toContain('digit-reader-1.0.0.fp16.onnx: fp16 on webgpu, where the GPU has shader-f16')
  }, 60_000)

  test('watch-it-on-the-device: the reference profile covers the training data', async ({ expect }) => {
    const transcript = await runGuide('watch-it-on-the-device', await guideFolder(dir, 'watch'))
    expect(transcript).toContain('Its reference profile covers 8,000 rows')
  }, 60_000)
})

test('the TypeScript of the guides compiles', async () => {
  const guides = ['keep-answering', 'fast-on-every-device', 'watch-it-on-the-device']
  expect(await compileGuides(guides, join(dir, 'watch'))).toBe('')
}, 60_000)
