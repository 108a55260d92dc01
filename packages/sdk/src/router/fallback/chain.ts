import { AfieldError, asAfieldError, invalidInput, type Answer, type Outputs } from '@afield/protocol'
import { abortable } from '../../abort.js'
import type { Deadline } from '../deadline.js'
import { isOfCall } from './blame.js'
import type { AnyFallback } from './options.js'

/** An app's question. */
export type Question = { readonly input: unknown; readonly state?: Answer['state'] | undefined }

/** What answered in the model's place. */
export interface ChainAnswers {
  /** One for each question, in their order. */
  readonly settled: readonly (Answer | AfieldError)[]
  readonly servedBy: 'remote' | 'constant' | 'function'
  readonly modelVersion: string
}

/** A server that is asked. */
export interface RemoteAnswers {
  /** @throws AfieldError `remote/*`, and whatever ends the call. */
  ask(
    questions: readonly Question[],
    signal: AbortSignal | undefined,
  ): Promise<Pick<ChainAnswers, 'settled' | 'modelVersion'>>
  /** Answers what it was asked, and rests. */
  retire(): void
}

/** Who answers when the model cannot: a server, then the app's own constant or function. */
export class Chain {
  readonly #answer: AnyFallback['answer']
  readonly #remote: RemoteAnswers | undefined
  readonly #warn: (error: AfieldError) => void
  #warned = false

  /** @param warn is told of a server that fails while the app's own answers hide it; once, until it works again. */
  constructor(
    { answer }: AnyFallback,
    remote: RemoteAnswers | undefined,
    warn: (error: AfieldError) => void,
  ) {
    this.#answer = checked(answer)
    this.#remote = remote
    this.#warn = warn
  }

  /** Another takes its place. */
  retire(): void {
    this.#remote?.retire()
  }

  /** Whether there is anybody to answer. */
  get answers(): boolean {
    return this.#remote !== undefined || this.#answer !== undefined
  }

  /**
   * Asks one after the other until somebody answers.
   *
   * @param reason why the model did not.
   * @throws AfieldError what the last of them failed with, or the reason where there is none.
   */
  async ask(questions: readonly Question[], reason: AfieldError, deadline: Deadline): Promise<ChainAnswers> {
    let error = reason
    if (this.#remote && !deadline.isOver) {
      try {
        const answers = await this.#remote.ask(questions, deadline.signal)
        this.#warned = false
        return { ...answers, servedBy: 'remote' }
      } catch (cause) {
        const failure = asAfieldError(cause, 'internal/unexpected', 'The remote fallback could not be asked')
        if (isOfCall(failure)) throw failure
        const { code, message, details } = failure
        error =
          code === 'engine/timeout' ? failure : new AfieldError(code, message, { details, cause: reason })
        if (this.#answer !== undefined && !this.#warned) this.#warn(failure)
        this.#warned = true
      }
    }
    const answer = this.#answer
    if (answer === undefined) throw error
    if (typeof answer !== 'function') {
      const settled = questions.map(() => ({ outputs: copyOf(answer) }))
      return { settled, servedBy: 'constant', modelVersion: 'none' }
    }
    const asked = Promise.all(questions.map(({ input }) => ask(answer, input as never, reason)))
    const settled = await inTime(asked, deadline)
    const [first] = settled
    if (first instanceof AfieldError && settled.every((one) => one instanceof AfieldError)) throw first
    return { settled, servedBy: 'function', modelVersion: 'none' }
  }
}

/** What the function answered; else the model's error, of which the function's is the cause. */
async function ask(
  answer: Extract<AnyFallback['answer'], (...given: never) => unknown>,
  input: never,
  reason: AfieldError,
): Promise<Answer | AfieldError> {
  try {
    const outputs: Outputs = await answer(input, reason)
    if (areOutputs(outputs)) return { outputs }
    throw new TypeError('it returned no outputs: an object with a value for each output of the contract')
  } catch (cause) {
    const { code, message, details } = reason
    return new AfieldError(code, `${message} The fallback's function failed too.`, { cause, details })
  }
}

/** A function that is asked when time is up may still answer, if it waits for nothing. */
async function inTime<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  if (!deadline.isOver) return abortable(work, deadline.signal)
  const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), 0))
  if ((await Promise.race([work, late])) !== 'late') return work
  throw new AfieldError('engine/timeout', "No answer came in time, also of the fallback's function.")
}

/** @throws AfieldError `input/invalid`, field `fallback.answer`. */
function checked(answer: AnyFallback['answer']): AnyFallback['answer'] {
  if (answer === undefined || typeof answer === 'function') return answer
  if (areOutputs(answer)) {
    try {
      return copyOf(structuredClone(answer))
    } catch {
      // What cannot be copied, or goes round in circles, is no outputs, whatever it is.
    }
  }
  throw invalidInput(
    'fallback.answer',
    'mistyped',
    'takes outputs as the model gives them, or a function that does',
  )
}

/** For whoever was asked to change as they like: as `structuredClone` does it, whose each call takes several times longer. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const copy = { ...value }
  for (const name of Object.keys(copy) as (keyof T)[]) copy[name] = copyOf(copy[name])
  return copy
}

/** Which outputs they are is not looked at: where the model cannot be asked, its contract may not be here either. */
function areOutputs(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
