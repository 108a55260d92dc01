import { createInterface } from 'node:readline/promises'

/** Asks a yes-or-no question; everything but yes, also the end of the input, is no. */
export async function agrees(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<boolean> {
  const lines = createInterface({ input, output })
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(question), ended])).trim())
  } finally {
    lines.close()
  }
}
