import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { ChangeSchema, type Change } from '@afield/protocol'
import { CliError } from '../../errors.js'
import { parseWritten } from '../../parse.js'

/** Who writes, why and when: what the audit trail keeps of a change. */
export interface Attribution {
  /** AFIELD_AUTHOR, else git's user.name, else the name of the operating system's user. */
  readonly author?: string | undefined
  readonly reason?: string | undefined
  /** The one clock reading of the write; the current time when left out. */
  readonly now?: Date | undefined
}

/** The change as it is signed. */
export async function changeOf(
  { author, reason }: Attribution,
  defaultReason: string,
  now: Date,
): Promise<Change> {
  const by = author || process.env['AFIELD_AUTHOR'] || (await gitUser()) || systemUser()
  const change = { author: by, reason: reason || defaultReason, at: now.toISOString() }
  return parseWritten(ChangeSchema, change, 'usage', 'Who and why (--author, --reason)')
}

async function gitUser(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['config', 'user.name'])
    return stdout.trim()
  } catch {
    // No git, or no name in it: both are ordinary on a build machine.
    return undefined
  }
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch (cause) {
    throw new CliError('usage', 'Nobody can be named as the author. Pass --author or set AFIELD_AUTHOR.', {
      cause,
    })
  }
}
