import type { Shown } from '../repository/inspect/catalogue.js'
import { writeOutput } from '../output-file.js'
import { print } from './print.js'

export interface DocumentOptions {
  readonly out?: string
  readonly json?: true
}

/** Writes what a command made of a version to its file, or prints it. */
export async function printDocument(
  options: DocumentOptions,
  { model, version }: Pick<Shown, 'model' | 'version'>,
  format: string,
  text: string,
): Promise<void> {
  const { out } = options
  if (out === undefined) {
    print(options, { model, version, format, text }, [text.trimEnd()])
    return
  }
  const status = await writeOutput(out, text)
  print(options, { model, version, format, out, status }, [
    `${status === 'written' ? 'Wrote' : 'Nothing to change in'} ${out}: ${model}@${version}.`,
  ])
}
