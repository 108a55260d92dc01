import { readFile } from 'node:fs/promises'
import process from 'node:process'
import password from '@inquirer/password'
import { CliError } from '../errors.js'

const MIN_LENGTH = 8

let asked: Promise<string> | undefined

/**
 * The passphrase of encrypted keys: AFIELD_PASSPHRASE, else the first line of the file that AFIELD_PASSPHRASE_FILE
 * names, else what a person types, asked once a run.
 *
 * @param file the key file that needs it.
 * @throws CliError `keys/passphrase` where nobody can be asked.
 */
export async function passphraseFor(file: string): Promise<string> {
  const given = await givenPassphrase()
  if (given !== undefined) return given
  if (!process.stdin.isTTY) {
    throw new CliError(
      'keys/passphrase',
      `${file} is encrypted. Give its passphrase in AFIELD_PASSPHRASE, or name a file that holds it in AFIELD_PASSPHRASE_FILE.`,
    )
  }
  asked ??= ask(`Passphrase of the keys (${file})`)
  return asked
}

/** A passphrase for new keys, typed twice where a person types it. */
export async function newPassphrase(): Promise<string> {
  const given = await givenPassphrase()
  if (given !== undefined) return longEnough(given)
  if (!process.stdin.isTTY) {
    throw new CliError(
      'keys/passphrase',
      'Nobody can be asked for a passphrase here. Give it in AFIELD_PASSPHRASE, or name a file that holds it in AFIELD_PASSPHRASE_FILE.',
    )
  }
  const first = longEnough(await ask('Passphrase for the new keys'))
  if (first !== (await ask('Once more'))) {
    throw new CliError('keys/passphrase', 'The two passphrases differ. Nothing was made; run it again.')
  }
  return first
}

async function givenPassphrase(): Promise<string | undefined> {
  const { AFIELD_PASSPHRASE: text, AFIELD_PASSPHRASE_FILE: path } = process.env
  if (text) return text
  if (!path) return undefined
  try {
    return (await readFile(path, 'utf8')).split(/\r?\n/, 1)[0]
  } catch (cause) {
    throw new CliError(
      'keys/passphrase',
      `The file that AFIELD_PASSPHRASE_FILE names, ${path}, cannot be read.`,
      { cause },
    )
  }
}

/** On stderr, where it disturbs no `--json`. */
function ask(message: string): Promise<string> {
  return password({ message, mask: true }, { output: process.stderr })
}

function longEnough(text: string): string {
  if (text.length >= MIN_LENGTH) return text
  throw new CliError('keys/passphrase', `A passphrase has at least ${MIN_LENGTH} characters.`)
}
