import { diskFiles, type RepositoryFiles } from './files.js'
import { refuseInside } from './outside.js'

/** Which repository, and where its keys are. */
export interface RepositoryLocation {
  /** The repository's folder. */
  readonly repo: string
  /** The folder of the private keys; AFIELD_KEYS, else `<repo>.keys`, when left out. */
  readonly keys?: string | undefined
  /** Where proposals wait for approvals; AFIELD_PROPOSALS, else `<repo>.pending`, when left out. */
  readonly proposals?: string | undefined
  /** Another way to the repository's files than this machine's disk. */
  readonly files?: RepositoryFiles | undefined
}

/** @throws CliError `usage` when proposals would wait inside the repository. */
export function openFiles({ repo, proposals, files }: RepositoryLocation): RepositoryFiles {
  if (files) return files
  const opened = diskFiles(repo, proposals)
  if (opened.pending !== undefined) {
    refuseInside(repo, opened.pending, { name: 'proposals', option: '--proposals' })
  }
  return opened
}
