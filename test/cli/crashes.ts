import { diskFiles, type RepositoryFiles } from '@afield/cli'

/** A process that dies at that instant. */
export class Crash extends Error {}

/** Does something before each write, named by its path; throwing there is a crash at that instant. */
export function beforeWrites(
  files: RepositoryFiles,
  happens: (path: string) => Promise<void> | void,
): RepositoryFiles {
  return {
    ...files,
    put: async (path, bytes) => (await happens(path), files.put(path, bytes)),
    create: async (path, bytes) => (await happens(path), files.create(path, bytes)),
    replace: async (path, bytes) => (await happens(path), files.replace(path, bytes)),
  }
}

/** Files that crash before the nth write. */
export function crashingAt(repo: string, write: number): RepositoryFiles {
  let count = 0
  return beforeWrites(diskFiles(repo), () => {
    if (++count === write) throw new Crash()
  })
}

/** The paths that an action writes, in order. */
export async function writesOf(
  repo: string,
  action: (files: RepositoryFiles) => Promise<unknown>,
): Promise<readonly string[]> {
  const paths: string[] = []
  await action(beforeWrites(diskFiles(repo), (path) => void paths.push(path)))
  return paths
}
