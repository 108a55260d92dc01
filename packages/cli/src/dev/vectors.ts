import {
  AfieldError,
  decodeOutputs,
  encodeRecords,
  type Contract,
  type GoldenVector,
  type RecordValue,
} from '@afield/protocol'
import { runModel, type LoadableModel } from '../publish/replay.js'

/**
 * Golden vectors of a model's own answers. They hold a device to what the model said here; whether that is what
 * training meant, they cannot tell.
 *
 * @returns those of the inputs that fit the contract.
 * @throws CliError `graph/invalid` when the runtime cannot run the model.
 */
export async function recordVectors(
  model: LoadableModel,
  contract: Contract,
  inputs: readonly unknown[],
): Promise<readonly GoldenVector[]> {
  const accepted = inputs.filter((input): input is RecordValue => isAccepted(contract, input))
  if (accepted.length === 0) return []
  const tensors = await runModel(model, encodeRecords(contract, accepted))
  const answers = decodeOutputs(contract, tensors, accepted.length)
  return accepted.map((input, i) => ({
    input: input as GoldenVector['input'],
    output: (answers[i] ?? {}) as GoldenVector['output'],
  }))
}

function isAccepted(contract: Contract, input: unknown): boolean {
  try {
    encodeRecords(contract, [input as RecordValue])
    return true
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'input/invalid') return false
    throw error
  }
}
