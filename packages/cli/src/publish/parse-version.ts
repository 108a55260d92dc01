import { VersionSchema, type Version } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'

/** @throws CliError `usage` for what is no SemVer version. */
export function parseVersion(text: string): Version {
  const result = v.safeParse(VersionSchema, text)
  if (result.success) return result.output
  throw new CliError('usage', `"${text}" is not a version: ${result.issues[0].message}.`)
}
