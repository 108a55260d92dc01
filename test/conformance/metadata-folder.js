import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * @typedef {import('../../packages/sdk/dist/keeper/manifest/stored.js').TrustRecord} TrustRecord
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */

const SUFFIX = '.json'

/** Trusted metadata as the suite looks at it: one file a role, without version numbers. */
export class MetadataFolder {
  #dir

  /** @param {string} dir */
  constructor(dir) {
    this.#dir = dir
  }

  /** @param {Bytes} root */
  async init(root) {
    await mkdir(this.#dir, { recursive: true })
    await this.#write('root', root)
  }

  /** @returns {Promise<Bytes>} the newest root */
  async root() {
    return new Uint8Array(await readFile(this.#path('root')))
  }

  /** @returns {Promise<TrustRecord>} */
  async read() {
    /** @type {Map<string, Bytes>} */
    const files = new Map()
    for (const file of await readdir(this.#dir)) {
      if (!file.endsWith(SUFFIX)) continue
      const role = decodeURIComponent(file.slice(0, -SUFFIX.length))
      files.set(role, new Uint8Array(await readFile(join(this.#dir, file))))
    }
    const { root: _, timestamp, snapshot, ...roles } = Object.fromEntries(files)
    return { roots: [], timestamp, snapshot, roles }
  }

  /** @param {TrustRecord} record */
  async save({ roots, timestamp, snapshot, roles }) {
    const root = roots.at(-1)
    if (root) await this.#write('root', root)
    for (const [role, bytes] of Object.entries({ ...roles, timestamp, snapshot })) {
      if (bytes) await this.#write(role, bytes)
      else await rm(this.#path(role), { force: true })
    }
  }

  /**
   * @param {string} role
   * @param {Bytes} bytes
   */
  async #write(role, bytes) {
    const path = this.#path(role)
    await writeFile(`${path}.part`, bytes)
    await rename(`${path}.part`, path)
  }

  /** @param {string} role which may hold anything, such as `../root` */
  #path(role) {
    return join(this.#dir, encodeURIComponent(role) + SUFFIX)
  }
}
