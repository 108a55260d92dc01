import * as ort from 'onnxruntime-web/wasm'
import { asAfieldError, readable, type Feeds } from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import type { EngineFacts } from './messages.js'
import { proveRuntime } from './onnxruntime.js'

/**
 * Graphs of these alone hold nothing that onnxruntime could fuse to much use: a 64-256-256-10 MLP runs 5 % faster with
 * all optimisations, 0.6 µs a prediction, but has its first answer some 10 ms later, because the optimiser's code must
 * be compiled first.
 */
const PLAIN_OPERATORS: ReadonlySet<string> = new Set(
  'Add ArgMax Cast Clip Concat Div Flatten Gemm Identity MatMul Mul Relu Reshape Sigmoid Softmax Sub Tanh'.split(
    ' ',
  ),
)

/** What onnxruntime would write to the console of a run that fails may quote the input. */
const QUIET = { logSeverityLevel: 4 } as const

/** onnxruntime allows one run at a time in a realm, whatever the session. */
let lastRun: Promise<unknown> = Promise.resolve()
/** Runs that were asked for and have not ended. */
let running = 0
const ended = (): void => {
  running -= 1
}

/** One model on one backend: tensors in, tensors out. */
export class Session {
  /** Whether the first dimension of every input is open, so that predictions may share a run. */
  readonly batches: boolean
  readonly facts: EngineFacts = { backend: 'wasm', build: 'plain', threads: 1 }
  readonly #session: ort.InferenceSession

  private constructor(session: ort.InferenceSession) {
    this.#session = session
    this.batches = session.inputMetadata.every((input) => input.isTensor && isFree(input.shape[0]))
  }

  /** @throws AfieldError `engine/session-failed`, `engine/runtime-unavailable`. */
  static async create({ bytes, externalData, operators }: EngineModel): Promise<Session> {
    try {
      // The arena and the memory pattern are off by default on the web; both make runs of one shape cheaper.
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: ['wasm'],
        ...QUIET,
        ...(externalData.length > 0 ? { externalData } : {}),
        graphOptimizationLevel: operators.every((name) => PLAIN_OPERATORS.has(name)) ? 'disabled' : 'all',
        enableCpuMemArena: true,
        enableMemPattern: true,
      })
      return new Session(session)
    } catch (cause) {
      // Where nothing runs, the model is not to blame.
      await proveRuntime()
      throw asAfieldError(cause, 'engine/session-failed', 'onnxruntime refused the model')
    }
  }

  /** Runs after whatever runs in this realm; that may fail, which is its caller's business. */
  run(feeds: Feeds): Promise<Feeds> {
    const run = running === 0 ? this.#run(feeds) : lastRun.then(() => this.#run(feeds))
    running += 1
    lastRun = run.then(ended, ended)
    return run
  }

  async release(): Promise<void> {
    await lastRun
    await this.#session.release()
  }

  async #run(feeds: Feeds): Promise<Feeds> {
    const results = await this.#session.run(toRuntime(feeds), QUIET)
    const tensors: Record<string, Feeds[string]> = {}
    for (const name in results) {
      const result = results[name]
      if (result) tensors[name] = readable({ dtype: result.type, dims: result.dims, data: result.data })
    }
    return tensors
  }
}

function toRuntime(feeds: Feeds): Record<string, ort.Tensor> {
  const tensors: Record<string, ort.Tensor> = {}
  for (const name in feeds) {
    const feed = feeds[name]
    // The overloads tie each dtype to its own array type, which a union of them cannot show.
    if (feed) tensors[name] = new ort.Tensor(feed.dtype as 'float32', feed.data as Float32Array, feed.dims)
  }
  return tensors
}

/** A dimension without a name reads as -1, signed or not. */
function isFree(dimension: number | string | undefined): boolean {
  return typeof dimension === 'string' || dimension === -1 || dimension === 0xffff_ffff
}
