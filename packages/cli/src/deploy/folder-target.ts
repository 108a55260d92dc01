import { resolve } from 'node:path'
import { diskFiles } from '../repository/files/files.js'
import type { DeployTarget } from './target.js'
import { walkFolder } from './walk.js'

/** A folder of this machine, such as one that a web server or a static-site generator publishes. */
export function folderTarget(dir: string): DeployTarget {
  const files = diskFiles(dir)
  return {
    name: resolve(dir),
    list: () => walkFolder(dir),
    read: (path) => files.read(path),
    write: (path, bytes) => files.replace(path, bytes),
    create: (path, bytes) => files.create(path, bytes),
  }
}
