import { AfieldError, asAfieldError, readable, type Feeds } from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import type { Accelerator } from './accelerator.js'
import { accelerate, BUILD, InferenceSession, Tensor } from './builds/plain.js'
import { memoryFailure } from './failures.js'
import type { EngineFacts } from './messages.js'
import { checkNumbers } from './numbers.js'
import { proveRuntime, threads } from './onnxruntime.js'

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

/** What fails with its device may hear of that before the device says so. */
const LOST_WITHIN_MS = 200

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
  readonly facts: EngineFacts
  readonly #session: InferenceSession
  readonly #accelerator: Accelerator | undefined
  /** Work that the accelerator was given while the session was made, and that proves nothing of its runs. */
  readonly #submissions: number
  #lost: AfieldError | undefined

  private constructor(
    session: InferenceSession,
    { backend }: EngineModel,
    accelerator: Accelerator | undefined,
  ) {
    this.#session = session
    this.#accelerator = accelerator
    this.#submissions = accelerator?.submissions ?? 0
    this.facts = { backend, build: BUILD, threads: threads() }
    this.batches = session.inputMetadata.every((input) => input.isTensor && isFree(input.shape[0]))
    void accelerator?.lost.then((error) => (this.#lost = error))
  }

  /**
   * @throws AfieldError `engine/session-failed`, `engine/runtime-unavailable`, `engine/device-lost`,
   *   `engine/out-of-memory`.
   */
  static async create(model: EngineModel): Promise<Session> {
    const { backend, bytes, externalData, operators } = model
    const accelerator = backend === 'wasm' ? undefined : await accelerate(backend)
    try {
      const isPlain = backend === 'wasm' && operators.every((name) => PLAIN_OPERATORS.has(name))
      // The arena and the memory pattern are off by default on the web; both make runs of one shape cheaper.
      const session = await InferenceSession.create(bytes, {
        executionProviders: [accelerator?.provider ?? 'wasm'],
        ...QUIET,
        ...(externalData.length > 0 ? { externalData } : {}),
        graphOptimizationLevel: isPlain ? 'disabled' : 'all',
        enableCpuMemArena: true,
        enableMemPattern: true,
      })
      if (backend === 'webnn') requireFixedShapes(session)
      return new Session(session, model, accelerator)
    } catch (cause) {
      const lost = accelerator && (await lossOf(accelerator))
      accelerator?.release()
      if (lost) throw lost
      const memory = memoryFailure(cause)
      if (memory) throw memory
      // Where nothing runs, the model is not to blame.
      await proveRuntime()
      throw asAfieldError(cause, 'engine/session-failed', 'onnxruntime refused the model')
    }
  }

  /** Resolves when what runs the session goes away; `undefined` on WASM, which cannot. */
  get lost(): Promise<AfieldError> | undefined {
    return this.#accelerator?.lost
  }

  /**
   * Proves that runs before this used the backend that was asked for.
   *
   * @throws AfieldError `engine/session-failed` with `details.backend`.
   */
  proveBackend(): void {
    const { backend } = this.facts
    if (!this.#accelerator || this.#accelerator.submissions > this.#submissions) return
    throw new AfieldError(
      'engine/session-failed',
      `onnxruntime ran the model on WASM instead of on ${backend}, which takes nothing of it.`,
      { details: { backend } },
    )
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
    // With its device gone there is nothing to give back but the worker.
    if (this.#lost) return
    await this.#session.release()
    this.#accelerator?.release()
  }

  async #run(feeds: Feeds): Promise<Feeds> {
    // A session on a lost device can take the whole worker down.
    if (this.#lost) throw this.#lost
    const results = await this.#onnxruntime(feeds)
    const tensors: Record<string, Feeds[string]> = {}
    for (const name in results) {
      const result = results[name]
      if (result) tensors[name] = readable({ dtype: result.type, dims: result.dims, data: result.data })
    }
    if (this.#accelerator) checkNumbers(feeds, tensors)
    return tensors
  }

  #onnxruntime(feeds: Feeds): Promise<InferenceSession.OnnxValueMapType> {
    const run = this.#session.run(toRuntime(feeds), QUIET)
    const accelerator = this.#accelerator
    if (!accelerator) return run
    return run.catch(async (cause: unknown) => {
      throw (await lossOf(accelerator)) ?? cause
    })
  }
}

/** That it went away, where that is why something failed. */
function lossOf({ lost }: Accelerator): Promise<AfieldError | undefined> {
  const patience = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), LOST_WITHIN_MS))
  return Promise.race([lost, patience])
}

function toRuntime(feeds: Feeds): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {}
  for (const name in feeds) {
    const feed = feeds[name]
    // The overloads tie each dtype to its own array type, which a union of them cannot show.
    if (feed) tensors[name] = new Tensor(feed.dtype as 'float32', feed.data as Float32Array, feed.dims)
  }
  return tensors
}

/** @throws Error for a graph that WebNN would refuse at its first run, or leave to WASM. */
function requireFixedShapes({ inputMetadata }: InferenceSession): void {
  if (inputMetadata.every((input) => input.isTensor && !input.shape.some(isFree))) return
  throw new Error('WebNN takes graphs of fixed shapes only')
}

/** A dimension without a name reads as -1, signed or not. */
function isFree(dimension: number | string | undefined): boolean {
  return typeof dimension === 'string' || dimension === -1 || dimension === 0xffff_ffff
}
