import { AfieldError } from '@afield/protocol'

/** A file that the repository's own metadata names and that is not there, or not as named. */
export function missingPart(path: string): AfieldError {
  return new AfieldError(
    'manifest/unavailable',
    `The repository lacks ${path}, which its own metadata names. Restore it from a copy.`,
    { details: { file: path } },
  )
}
