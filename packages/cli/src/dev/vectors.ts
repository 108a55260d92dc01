import {
  AfieldError,
  type Answer,
  type Codec,
  type GoldenInput,
  type GoldenOutput,
  type GoldenVector,
  type Outputs,
  type OutputValue,
  type Prepared,
} from '@afield/protocol'
import { CliError } from '../errors.js'
import { runModel, type LoadableModel } from '../publish/run-model.js'

/** Larger tensors are left out, so that the descriptor stays as small as devices want it. */
const MAX_ELEMENTS = 2000

export interface RecordedVectors {
  readonly vectors: readonly GoldenVector[]
  /** Inputs that fit the contract, and that the model fails on. */
  readonly failures: readonly Error[]
}

/**
 * Golden vectors of a model's own answers. They hold a device to what the model said here; whether that is what
 * training meant, they cannot tell.
 *
 * @returns those of the inputs that fit the contract and have an answer that can be written down.
 * @throws CliError `graph/invalid` when the runtime cannot load the model.
 */
export async function recordVectors(
  model: LoadableModel,
  codec: Codec,
  inputs: readonly GoldenInput[],
): Promise<RecordedVectors> {
  const accepted: { readonly input: GoldenInput; readonly prepared: Prepared }[] = []
  for (const input of inputs) {
    const prepared = await prepareIfFit(codec, input)
    if (prepared) accepted.push({ input, prepared })
  }
  const answers = await answerEach(
    model,
    codec,
    accepted.map(({ prepared }) => prepared),
  )
  const vectors = accepted.flatMap(({ input }, i) => {
    const answer = answers[i]
    return answer instanceof Error || !answer ? [] : [{ input, output: goldenOutputs(answer.outputs) }]
  })
  return {
    vectors: vectors.filter(({ output }) => Object.keys(output).length > 0),
    failures: answers.filter((answer) => answer instanceof Error),
  }
}

/** All together; one by one where one of them fails, which says nothing against the others. */
async function answerEach(
  model: LoadableModel,
  codec: Codec,
  inputs: readonly Prepared[],
): Promise<readonly (Answer | Error)[]> {
  try {
    return await runModel(model, codec, inputs)
  } catch (error) {
    if (!isOfModel(error)) throw error
  }
  // What cannot even be loaded fails here.
  await runModel(model, codec, [])
  const answers: (Answer | Error)[] = []
  for (const input of inputs) {
    try {
      answers.push(...(await runModel(model, codec, [input])))
    } catch (error) {
      if (!isOfModel(error)) throw error
      answers.push(error)
    }
  }
  return answers
}

function isOfModel(error: unknown): error is Error {
  if (error instanceof AfieldError) return error.code === 'engine/run-failed'
  return error instanceof CliError && error.code === 'graph/invalid'
}

async function prepareIfFit(codec: Codec, input: GoldenInput): Promise<Prepared | undefined> {
  try {
    return await codec.prepareGolden(input)
  } catch (error) {
    if (error instanceof AfieldError && error.code === 'input/invalid') return undefined
    throw error
  }
}

function goldenOutputs(outputs: Outputs): Record<string, GoldenOutput> {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) => {
      const golden = goldenOutput(value)
      return golden === undefined ? [] : [[name, golden] as const]
    }),
  )
}

/** `undefined` for what JSON cannot hold, such as NaN, or what is too much of it. */
function goldenOutput(value: OutputValue): GoldenOutput | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'object') return value
  if (!('dims' in value))
    return Array.isArray(value) ? value.map((one) => ({ ...one })) : (value as GoldenOutput)
  if (value.data.length > MAX_ELEMENTS) return undefined
  const data = Array.from(value.data as ArrayLike<number | bigint | boolean | string>, (element) =>
    typeof element === 'bigint' ? String(element) : element,
  )
  const writable = data.every((element) => typeof element !== 'number' || Number.isFinite(element))
  return writable ? { dims: [...value.dims], data } : undefined
}
