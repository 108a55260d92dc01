import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GUIDES, followGuide, guideFolder } from './follow-guide.js'

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
