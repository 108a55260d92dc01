import { readable, type Answer, type Codec, type Feeds, type Prepared } from '@afield/protocol'
import * as ort from 'onnxruntime-web'
import { CliError } from '../errors.js'
import type { ExternalFile } from './external-data.js'

/** A model file, and the files that hold its weights where it keeps them apart. */
export interface LoadableModel {
  readonly model: Uint8Array
  readonly externalData: readonly ExternalFile[]
}

/**
 * Answers inputs with the runtime that devices use: together what they would answer together.
 *
 * @throws CliError `graph/invalid` when the runtime cannot load or run the model; AfieldError `engine/run-failed` when
 *   it gives something else than the contract says.
 */
export async function runModel(
  model: LoadableModel,
  codec: Codec,
  inputs: readonly Prepared[],
): Promise<readonly Answer[]> {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  const session = await asGraphError(() => createSession(model))
  try {
    const answers: Answer[] = []
    for (const group of groupsOf(session, codec, inputs)) {
      const prepared = group.flatMap((at) => inputs[at] ?? [])
      const results = await asGraphError(() => run(session, codec.encode(prepared)))
      for (const [i, answer] of codec.decode(results, prepared).entries()) answers[group[i] ?? 0] = answer
    }
    return answers
  } finally {
    await session.release()
  }
}

function createSession({ model, externalData }: LoadableModel): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(model, {
    externalData: externalData.map(({ path, bytes }) => ({ path, data: bytes })),
  })
}

/** Positions of the inputs that may share a run. */
function groupsOf(
  session: ort.InferenceSession,
  codec: Codec,
  inputs: readonly Prepared[],
): readonly (readonly number[])[] {
  const free = session.inputMetadata.every((input) => input.isTensor && !isFixed(input.shape[0]))
  if (!free) return inputs.map((_, at) => [at])
  const groups = codec.groups([...inputs.entries()], ([, input]) => input)
  return groups.map((group) => group.map(([at]) => at))
}

function isFixed(dimension: number | string | undefined): boolean {
  return typeof dimension === 'number' && dimension >= 0 && dimension < 0xffff_ffff
}

async function run(session: ort.InferenceSession, feeds: Feeds): Promise<Feeds> {
  const tensors = Object.entries(feeds).map(
    // The overloads tie each dtype to its own array type, which a union of them cannot show.
    ([name, { dtype, data, dims }]) =>
      [name, new ort.Tensor(dtype as 'float32', data as Float32Array, dims)] as const,
  )
  const outputs = await session.run(Object.fromEntries(tensors))
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, dims, data }]) => [
      name,
      readable({ dtype: type, dims, data }),
    ]),
  )
}

async function asGraphError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('graph/invalid', `onnxruntime-web cannot run this model: ${reason}`, { cause })
  }
}
