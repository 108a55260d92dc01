import { GoldenVectorSchema, type Contract, type GoldenVector } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { parseJsonFile } from '../read-file.js'
import { readOptionalInput } from './read-input.js'

const GoldenSchema = v.pipe(v.array(GoldenVectorSchema), v.minLength(1), v.maxLength(200))

/**
 * Reads the golden vectors of a version: `[{"input": {…}, "output": {…}}]`, written by training, not by the export.
 *
 * @throws CliError `file/missing`, `golden/invalid`.
 */
export async function readGoldenVectors(path: string, contract: Contract): Promise<readonly GoldenVector[]> {
  const bytes = await readOptionalInput(path, 'golden vectors')
  if (!bytes) {
    throw new CliError(
      'file/missing',
      `There are no golden vectors at ${path}. Let training write some inputs with its own answers there, as ` +
        '[{"input": {…}, "output": {…}}], or name another file with --golden.',
    )
  }
  const vectors = parseWritten(
    GoldenSchema,
    parseJsonFile(bytes, 'golden/invalid', path),
    'golden/invalid',
    path,
  )
  const outputs = new Set(contract.outputs.map(({ name }) => name))
  for (const [i, { output }] of vectors.entries()) {
    const names = Object.keys(output)
    const unknown = names.find((name) => !outputs.has(name))
    if (unknown === undefined && names.length > 0) continue
    throw new CliError(
      'golden/invalid',
      `Golden vector ${i + 1} of ${path} promises ${unknown === undefined ? 'no output' : `"${unknown}", which is no output of the contract`}. ` +
        `The contract's outputs are: ${[...outputs].join(', ')}.`,
    )
  }
  return vectors
}
