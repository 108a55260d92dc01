import { dirname, join } from 'node:path'
import { FilePathSchema } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import type { Span } from './chunks/boundaries.js'
import type { ExternalTensor } from './graph.js'
import { readOptionalInput } from './read-input.js'

/** A file with weights, under the name that the graph refers to it by. */
export interface ExternalFile {
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly tensors: readonly Span[]
}

/**
 * Reads the files that hold a model's weights. They lie beside it or in folders below.
 *
 * @throws CliError `external-data/invalid` naming the tensor whose file is missing, too short, or outside the folder.
 */
export async function readExternalData(
  modelPath: string,
  tensors: readonly ExternalTensor[],
): Promise<readonly ExternalFile[]> {
  const paths = [...new Set(tensors.map(pathOf))].sort()
  return Promise.all(
    paths.map((path) =>
      readFileOf(
        modelPath,
        path,
        tensors.filter((tensor) => pathOf(tensor) === path),
      ),
    ),
  )
}

async function readFileOf(
  modelPath: string,
  path: string,
  tensors: readonly ExternalTensor[],
): Promise<ExternalFile> {
  const lookedFor = join(dirname(modelPath), ...path.split('/'))
  const bytes = (await readOptionalInput(lookedFor, 'external data')) ?? new Uint8Array()
  const [first] = tensors
  if (bytes.length === 0 && first) {
    throw refusal(first, `lies in ${path}, which is not beside the model or empty (looked for ${lookedFor})`)
  }
  return { path, bytes, tensors: tensors.map((tensor) => spanOf(tensor, bytes.length)) }
}

function spanOf(tensor: ExternalTensor, size: number): Span {
  const end = tensor.length === undefined ? size : tensor.offset + tensor.length
  const whole = [tensor.offset, end].every((at) => Number.isSafeInteger(at) && at >= 0)
  if (!whole || end < tensor.offset)
    throw refusal(tensor, 'has an offset or a length that is no number of bytes')
  if (end > size) {
    throw refusal(
      tensor,
      `ends at byte ${end} of ${tensor.location}, which has ${size} bytes: was it cut, or is it another model's`,
    )
  }
  return { start: tensor.offset, end }
}

/** Without a `./` in front, as onnxruntime looks it up. */
function pathOf(tensor: ExternalTensor): string {
  const path = tensor.location.replace(/^\.\//, '')
  if (v.is(FilePathSchema, path)) return path
  throw refusal(
    tensor,
    `lies in ${JSON.stringify(tensor.location)}, which is no plain path below the model's folder. Save the model anew ` +
      'with its weights beside it',
  )
}

function refusal({ name }: ExternalTensor, problem: string): CliError {
  return new CliError('external-data/invalid', `The tensor "${name}" ${problem}.`)
}
