import type { Backend } from '@afield/protocol'
import { sumOf } from '../blobs/files.js'
import type { EngineModel } from '../ports.js'
import type { StoredVersion } from './fetcher.js'

/** What an engine is given of a stored version to run it on a backend, golden vectors included. */
export function engineModel(
  model: string,
  { artifact, descriptor, files }: StoredVersion,
  backend: Backend,
): EngineModel {
  const { contract, reference, runtime, selfTest, stateEpoch = 0, version } = descriptor
  return {
    ...files,
    model,
    version,
    backend,
    contract,
    operators: runtime.operators,
    selfTest,
    tolerance: artifact.tolerance,
    reference,
    stateOf: `${model} ${stateEpoch}`,
  }
}

/** Bytes of what a session is made of. */
export function modelBytes({ artifact }: StoredVersion): number {
  return sumOf(artifact.files, ({ size }) => size)
}
