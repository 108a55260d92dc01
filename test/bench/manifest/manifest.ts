import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeLargeMlp } from '../../support/large-mlp.js'
import type { Figure } from '../figure.js'
import { benchCatalogue } from './catalogue.js'
import { benchRepublish } from './republish.js'
import { benchSizes } from './sizes.js'
import { benchLargeStart } from './start.js'
import { benchUnchangedCheck } from './unchanged-check.js'

/** What following a repository and verifying everything costs: requests, bytes, code and time. */
export async function benchManifest(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  try {
    const large = await writeLargeMlp(folder, { lastLayer: 1 })
    return [
      ...(await benchUnchangedCheck()),
      ...(await benchCatalogue()),
      ...(await benchRepublish()),
      ...(await benchLargeStart(large)),
      ...(await benchSizes()),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
