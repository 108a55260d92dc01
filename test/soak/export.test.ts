import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GUIDES, followGuide, guideFolder, pythonWith } from '../site/follow-guide.js'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'afield-export-'))
})

afterAll(() => rm(dir, { recursive: true }))

test.for(GUIDES)(
  '$guide, the export itself included, where this machine has its Python modules',
  { timeout: 120_000 },
  async (guide, { skip }) => {
    const python = await pythonWith(guide.modules)
    if (python === undefined) return skip(`no Python with ${guide.modules.join(', ')}`)
    const followed = await followGuide(guide, await guideFolder(dir, guide.guide), python)
    expect(followed).toMatchObject({ agreeing: 12, disagreeing: 0 })
    expect(followed.transcript).toMatch(/^\{'accuracy': 0\.9/m)
  },
)
