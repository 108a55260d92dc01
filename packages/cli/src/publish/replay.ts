import {
  AfieldError,
  decodeOutputs,
  describeDisagreement,
  encodeRecords,
  findDisagreement,
  type Contract,
  type EncodedTensor,
  type GoldenVector,
  type Outputs,
  type PlainTensor,
  type SelfTest,
} from '@afield/protocol'
import * as ort from 'onnxruntime-web'
import { CliError } from '../errors.js'
import type { ExternalFile } from './external-data.js'

/** A model file, and the files that hold its weights where it keeps them apart. */
export interface LoadableModel {
  readonly model: Uint8Array
  readonly externalData: readonly ExternalFile[]
}

/**
 * Runs the model on its golden vectors, with the runtime that devices use, and compares.
 *
 * @throws AfieldError `model/self-test-failed` showing the vector that disagrees; CliError `golden/invalid` when a
 *   vector's input does not fit the contract; `graph/invalid` when the runtime cannot load or run the model.
 */
export async function replayGoldenVectors(
  model: LoadableModel,
  contract: Contract,
  vectors: readonly GoldenVector[],
  tolerance: SelfTest['tolerance'],
): Promise<void> {
  checkInputs(contract, vectors)
  const inputs = encodeRecords(
    contract,
    vectors.map(({ input }) => input),
  )
  const tensors = await runModel(model, inputs)
  const answers = decodeOutputs(contract, tensors, vectors.length)
  const disagreement = findDisagreement({ vectors: [...vectors], tolerance, replay: 'passed' }, answers)
  if (!disagreement) return
  throw new AfieldError(
    'model/self-test-failed',
    `The model is not the one that was trained: ${describeDisagreement(disagreement)}.\n` +
      `${showVector(vectors[disagreement.vector], answers[disagreement.vector])}\n` +
      'Compare how the model was exported with how it was trained. To publish it all the same: --skip-replay, ' +
      'which the descriptor records; devices still test it.',
    { details: { vector: disagreement.vector, output: disagreement.output } },
  )
}

/** One by one first, so that a message can say which vector it is about. */
function checkInputs(contract: Contract, vectors: readonly GoldenVector[]): void {
  for (const [i, { input }] of vectors.entries()) {
    try {
      encodeRecords(contract, [input])
    } catch (cause) {
      if (!(cause instanceof AfieldError)) throw cause
      throw new CliError(
        'golden/invalid',
        `Golden vector ${i + 1} does not fit the contract: ${cause.message}`,
        {
          cause,
        },
      )
    }
  }
}

/**
 * Runs a model once, with the runtime that devices use.
 *
 * @throws CliError `graph/invalid` when the runtime cannot load or run it.
 */
export async function runModel(
  { model, externalData }: LoadableModel,
  inputs: Readonly<Record<string, EncodedTensor>>,
): Promise<Readonly<Record<string, PlainTensor>>> {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  try {
    const session = await ort.InferenceSession.create(model, {
      externalData: externalData.map(({ path, bytes }) => ({ path, data: bytes })),
    })
    try {
      const feeds = Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)] as const)
      const outputs = await session.run(Object.fromEntries(feeds))
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { type, dims, data }]) => [name, { dtype: type, dims, data }]),
      )
    } finally {
      await session.release()
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('graph/invalid', `onnxruntime-web cannot run this model: ${reason}`, { cause })
  }
}

function toTensor({ dtype, data, dims }: EncodedTensor): ort.Tensor {
  // The overloads tie each dtype to its own array type, which a union of both cannot show.
  return new ort.Tensor(dtype, data as Float32Array, [...dims])
}

function showVector(vector: GoldenVector | undefined, answer: Outputs | undefined): string {
  return [
    `  input:    ${JSON.stringify(vector?.input)}`,
    `  expected: ${JSON.stringify(vector?.output)}`,
    `  answered: ${JSON.stringify(answer)}`,
  ].join('\n')
}
