import { isAbsolute, relative, resolve, sep } from 'node:path'
import { CliError } from '../../errors.js'

/** @throws CliError `usage` when a private folder is inside the repository, which gets published. */
export function refuseInside(repo: string, folder: string, { name, option }: PrivateFolder): void {
  const way = relative(resolve(repo), folder)
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return
  throw new CliError(
    'usage',
    `The ${name} folder ${folder} is inside the repository, which gets published. Choose one outside with ${option}.`,
  )
}

interface PrivateFolder {
  /** Such as `keys`. */
  readonly name: string
  /** What names another one, such as `--keys`. */
  readonly option: string
}
