import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { initRepository } from '../repository/governance/init.js'

/** A repository for one run of a development server. */
export interface DevRepository {
  readonly repo: string
  readonly keys: string
  readonly root: Uint8Array
  /** Deletes it, the keys first of all. */
  remove(): Promise<void>
}

/** Makes an empty repository and keys that nobody but this run's own pages ever trusts. */
export async function createDevRepository(): Promise<DevRepository> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-dev-'))
  const location = { repo: join(folder, 'repository'), keys: join(folder, 'keys') }
  // Whatever ends the process in order: no key stays.
  const forget = (): void => {
    for (const path of [location.keys, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
  process.once('exit', forget)
  const { root } = await initRepository(location, { author: 'afield dev' })
  return {
    ...location,
    root: await readFile(root),
    remove: async () => {
      for (const path of [location.keys, folder])
        await rm(path, { recursive: true, force: true, maxRetries: 3 })
      process.off('exit', forget)
    },
  }
}
