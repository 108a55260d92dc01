import { randomBytes } from 'node:crypto'
import { constants, copyFile, link, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { diskRefusal } from '../../disk.js'
import { hasCode, isMissing, readIfThere } from '../../read-file.js'

/** All that the CLI asks of the place where a repository lies. Paths are relative, with `/`. */
export interface RepositoryFiles {
  /** The folder of this machine where proposals wait for approvals, outside of what is published. */
  readonly pending?: string
  /** The file's bytes, or `undefined` when there is none. */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** The names of the files in a folder; none when there is no folder. */
  list(folder: string): Promise<readonly string[]>
  /** Writes a file whose path is named by the hash of its bytes: one that is there already is left alone. */
  put(path: string, bytes: Uint8Array): Promise<void>
  /** Writes a new file, whole or not at all. `exists` when somebody was first; theirs is left alone. */
  create(path: string, bytes: Uint8Array): Promise<'created' | 'exists'>
  /** Replaces a file, whole or not at all. */
  replace(path: string, bytes: Uint8Array): Promise<void>
}

/** A repository in a folder of this machine. Writes are flushed to the disk before they count. */
export function diskFiles(dir: string, pending?: string): RepositoryFiles {
  const at = (path: string): string => join(dir, ...path.split('/'))
  const replace = (path: string, bytes: Uint8Array): Promise<void> =>
    viaTemporary(at(path), bytes, (temporary) => rename(temporary, at(path)))
  return {
    pending: resolve(pending ?? process.env['AFIELD_PROPOSALS'] ?? `${resolve(dir)}.pending`),
    read: (path) => readIfThere(at(path)),
    list: (folder) => listNames(at(folder)),
    put: async (path, bytes) => {
      if ((await sizeOf(at(path))) !== bytes.length) await replace(path, bytes)
    },
    create: (path, bytes) => viaTemporary(at(path), bytes, (temporary) => claim(temporary, at(path))),
    replace,
  }
}

/** Writes beside the goal and lets `publish` give the whole file its name; a crash leaves the goal as it was. */
async function viaTemporary<T>(
  goal: string,
  bytes: Uint8Array,
  publish: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = join(dirname(goal), `.${basename(goal)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(goal), { recursive: true })
    await writeFile(temporary, bytes, { flush: true })
    return await publish(temporary)
  } catch (error) {
    throw diskRefusal(error, goal) ?? error
  } finally {
    await rm(temporary, { force: true })
  }
}

async function claim(temporary: string, goal: string): Promise<'created' | 'exists'> {
  try {
    await linkOrCopy(temporary, goal)
    return 'created'
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return 'exists'
    throw error
  }
}

const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** A hard link never replaces what is there and, unlike an exclusive write, appears with all its bytes. */
async function linkOrCopy(temporary: string, goal: string): Promise<void> {
  try {
    await link(temporary, goal)
  } catch (error) {
    if (!NO_HARD_LINKS.some((code) => hasCode(error, code))) throw error
    // FAT and some network drives: still exclusive, though a crash may leave a part.
    await copyFile(temporary, goal, constants.COPYFILE_EXCL)
  }
}

async function listNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
