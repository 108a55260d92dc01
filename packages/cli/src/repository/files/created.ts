import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** What one call has made so far, to take back exactly that: what lies beside it may be somebody else's. */
export class Created {
  readonly #files: string[] = []
  /** Parents first. */
  readonly #folders: string[] = []

  file(path: string): void {
    this.#files.push(path)
  }

  /** Makes a folder and those above it that are not there. */
  async folder(path: string): Promise<void> {
    const goal = resolve(path)
    const first = await mkdir(goal, { recursive: true })
    if (first === undefined) return
    const made: string[] = []
    for (let at = goal; at.length >= resolve(first).length; at = dirname(at)) made.unshift(at)
    this.#folders.push(...made)
  }

  /** Folders stay where somebody else has put something; so does what cannot be removed. */
  async takeBack(): Promise<void> {
    for (const file of this.#files) await rm(file, { force: true }).catch(() => {})
    for (const folder of [...this.#folders].reverse()) await rmdir(folder).catch(() => {})
  }
}
