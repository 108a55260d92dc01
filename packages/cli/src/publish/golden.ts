import { dirname, join } from 'node:path'
import {
  FilePathSchema,
  GoldenVectorSchema,
  type Contract,
  type GoldenVector,
  type Input,
} from '@afield/protocol'
import { PNG } from 'pngjs'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { parseJsonFile } from '../read-file.js'
import { readInput, readOptionalInput } from './read-input.js'

const GoldenSchema = v.pipe(v.array(GoldenVectorSchema), v.minLength(1), v.maxLength(200))

/** Of an image, a file may stand for its pixels. */
const NamedFileSchema = v.looseObject({ input: v.strictObject({ file: FilePathSchema }) })

/**
 * Reads the golden vectors of a version: `[{"input": {…}, "output": {…}}]`, written by training, not by the export.
 * For models that take images, an input may be `{"file": "cat.png"}`, looked for beside the vectors.
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
  const json = await embedImages(parseJsonFile(bytes, 'golden/invalid', path), path, contract)
  const vectors = parseWritten(GoldenSchema, json, 'golden/invalid', path)
  const outputs = new Set([...contract.outputs, ...idFields(contract.input)].map(({ name }) => name))
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

/** What an answer gives back of its record. */
function idFields(input: Input): readonly { readonly name: string }[] {
  return input.kind === 'record' ? input.fields.filter(({ type }) => type === 'id') : []
}

/** Puts the pixels of the images where their files are named. */
async function embedImages(json: unknown, path: string, { input }: Contract): Promise<unknown> {
  if (input.kind !== 'image' || !Array.isArray(json)) return json
  return Promise.all(
    json.map(async (vector: unknown) => {
      const named = v.safeParse(NamedFileSchema, vector)
      if (!named.success) return vector
      const { file } = named.output.input
      return { ...named.output, input: await readPixels(join(dirname(path), ...file.split('/'))) }
    }),
  )
}

async function readPixels(path: string): Promise<{ width: number; height: number; rgba: string }> {
  const bytes = await readInput(path, 'image')
  try {
    const { width, height, data } = PNG.sync.read(Buffer.from(bytes))
    return { width, height, rgba: data.toString('base64') }
  } catch (cause) {
    throw new CliError('golden/invalid', `${path} is not a PNG image.`, { cause })
  }
}
