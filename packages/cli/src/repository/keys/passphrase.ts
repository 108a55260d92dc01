import { readFile } from 'node:fs/promises'
import process from 'node:process'
import password from '@inquirer/password'
import { CliError } from '../../errors.js'

const MIN_LENGTH = 8

/** What a person typed this run; keys need not all have the same one. */
const typed: string[] = []
let asking: Promise<unknown> = Promise.resolve()

/**
 * Opens an encrypted key with each known passphrase in turn: AFIELD_PASSPHRASE, else the lines of the file that
 * AFIELD_PASSPHRASE_FILE names, else what a person typed before or, asked now, types.
 *
 * @param file the key file that needs it.
 * @param open throws where the passphrase is another.
 * @throws CliError `keys/passphrase` where none opens it, or nobody can be asked.
 */
export async function withPassphrase<T>(file: string, open: (passphrase: string) => T): Promise<T> {
  const given = await givenPassphrases()
  if (given.length > 0) return firstThatOpens(file, given, open)
  if (!process.stdin.isTTY) {
    throw new CliError(
      'keys/passphrase',
      `${file} is encrypted. Give its passphrase in AFIELD_PASSPHRASE, or name a file that holds it in AFIELD_PASSPHRASE_FILE.`,
    )
  }
  // One question at a time, whose answer may open the next key, too.
  const opened = asking.then(async () => {
    try {
      return firstThatOpens(file, typed, open)
    } catch {
      const answer = await ask(`Passphrase of the keys (${file})`)
      const value = firstThatOpens(file, [answer], open)
      typed.push(answer)
      return value
    }
  })
  asking = opened.catch(() => {})
  return opened
}

function firstThatOpens<T>(file: string, passphrases: readonly string[], open: (passphrase: string) => T): T {
  let cause: unknown
  for (const passphrase of passphrases) {
    try {
      return open(passphrase)
    } catch (error) {
      cause = error
    }
  }
  throw new CliError(
    'keys/passphrase',
    `The passphrase does not open ${file}. Nothing was written; try again with the one that the key was made with. ` +
      'Where keys have several, the file that AFIELD_PASSPHRASE_FILE names may hold one a line.',
    { cause },
  )
}

/** A passphrase for new keys: AFIELD_PASSPHRASE, else the file's first line, else typed twice by a person. */
export async function newPassphrase(): Promise<string> {
  const [given] = await givenPassphrases()
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

async function givenPassphrases(): Promise<readonly string[]> {
  const { AFIELD_PASSPHRASE: text, AFIELD_PASSPHRASE_FILE: path } = process.env
  if (text) return [text]
  if (!path) return []
  try {
    return passphrasesIn(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new CliError(
      'keys/passphrase',
      `The file that AFIELD_PASSPHRASE_FILE names, ${path}, cannot be read.`,
      { cause },
    )
  }
}

/** The first line counts even when it is empty, as it always has; below it, empty lines do not. */
function passphrasesIn(text: string): readonly string[] {
  const [first = '', ...others] = text.split(/\r?\n/)
  return [first, ...others.filter((line) => line !== '')]
}

/** On stderr, where it disturbs no `--json`. */
function ask(message: string): Promise<string> {
  return password({ message, mask: true }, { output: process.stderr })
}

function longEnough(text: string): string {
  if (text.length >= MIN_LENGTH) return text
  throw new CliError('keys/passphrase', `A passphrase has at least ${MIN_LENGTH} characters.`)
}
