import {
  AfieldError,
  asAfieldError,
  createCodec,
  kindOf,
  parseContract,
  type Answer,
  type Codec,
  type Contract,
  type ModelState,
  type Prepared,
} from '@afield/protocol'
import type { RemoteContract } from '../../keeper/engines/port.js'
import { readFailure } from '../failures.js'
import type { KindOf } from '../kinds.js'
import { isRefusal, postJson, type Posting } from './post.js'
import { invalid } from './refusal.js'
import { fromJson, toJson } from './tensors.js'
import { isUnsayable } from './unsayable.js'

/** Lone questions that a server may refuse before it is taken to refuse all. */
const MAX_REFUSED = 8

/** An app's question. */
export interface RemoteQuestion {
  readonly input: unknown
  readonly state?: ModelState | undefined
}

/** What a server's model answered. */
export interface RemoteAnswers {
  /** One for each question, in their order. */
  readonly settled: readonly (Answer | AfieldError)[]
  /** What the server calls its version. */
  readonly version: string | undefined
}

/** A question that fits the contract, and its place among those it came with. */
interface Ready {
  readonly at: number
  readonly prepared: Prepared
}

/** Asks a server what an engine would be asked: the same inputs, the same tensors, the same answers. */
export class RemoteAsker {
  readonly #codec: Codec
  readonly #outputs: readonly string[]
  #lastId = 0
  /** Lone questions that were refused while the server accepted none. */
  #refused = 0

  private constructor(codec: Codec, outputs: readonly string[]) {
    this.#codec = codec
    this.#outputs = outputs
  }

  /** @throws AfieldError `descriptor/invalid`, `platform/unsupported`, `engine/runtime-unavailable`. */
  static async create(model: RemoteContract, findKind: KindOf): Promise<RemoteAsker> {
    const { assets, stateOf } = model
    const kind = await findKind(kindOf(model.contract))
    const contract = parseContract(model.contract, kind)
    return new RemoteAsker(await createCodec(contract, kind, { assets, stateOf }), outputsOf(contract))
  }

  /**
   * A bad input fails alone: where one of several cannot be said, or a server refuses them, each half is asked apart. A
   * server that refuses many alone, and accepted none, is not asked for the others.
   */
  async ask(questions: readonly RemoteQuestion[], posting: Posting): Promise<RemoteAnswers> {
    const settled: (Answer | AfieldError)[] = []
    const ready: Ready[] = []
    for (const [at, { input, state }] of questions.entries()) {
      try {
        ready.push({ at, prepared: await this.#codec.prepare(input, state) })
      } catch (error) {
        settled[at] = readFailure(error)
      }
    }
    let version: string | undefined
    this.#refused = 0
    const groups = this.#codec.groups(ready, ({ prepared }) => prepared)
    await Promise.all(
      groups.map(async (group) => {
        const prepared = group.map((one) => one.prepared)
        const answered = await this.#answer(prepared, posting)
        version ??= answered.version
        group.forEach(({ at }, i) => {
          settled[at] = answered.settled[i] ?? new AfieldError('internal/unexpected', 'An answer is missing.')
        })
      }),
    )
    return { settled, version }
  }

  async #answer(group: readonly Prepared[], posting: Posting): Promise<RemoteAnswers> {
    try {
      const answers = await this.#infer(group, posting)
      this.#refused = -Infinity
      return answers
    } catch (cause) {
      const error = asAfieldError(cause, 'internal/unexpected', 'The remote fallback could not be asked')
      const half = group.length >> 1
      const isRefused = isRefusal(Number(error.details['status']))
      if (isRefused && half === 0) this.#refused += 1
      const mayDiffer = isUnsayable(error) || (isRefused && this.#refused < MAX_REFUSED)
      if (half === 0 || !mayDiffer) return { settled: group.map(() => error), version: undefined }
      const first = await this.#answer(group.slice(0, half), posting)
      const second = await this.#answer(group.slice(half), posting)
      return { settled: [...first.settled, ...second.settled], version: first.version ?? second.version }
    }
  }

  async #infer(group: readonly Prepared[], posting: Posting): Promise<RemoteAnswers> {
    const id = String(++this.#lastId)
    const response = await postJson({ id, inputs: toJson(this.#codec.encode(group)) }, posting)
    const { results, version } = fromJson(response, id, this.#outputs)
    const rows = group.reduce((sum, prepared) => sum + prepared.rows, 0)
    for (const [name, { dims }] of Object.entries(results)) {
      // Of one question, a graph may leave that dimension out.
      if (group.length === 1 || dims[0] === rows) continue
      throw invalid(`gives "${name}" for ${dims[0] ?? 'no'} rows, and was asked for ${rows}`)
    }
    try {
      return { settled: this.#codec.decode(results, group), version }
    } catch (cause) {
      if (!(cause instanceof AfieldError)) throw cause
      // It says what is wrong with the tensors, whoever gave them.
      throw invalid(
        `does not fit the model's contract: ${cause.message.replace(/\.$/, '')}`,
        undefined,
        cause.details,
      )
    }
  }
}

/** The graph's outputs that a contract reads, and the state that it carries. */
function outputsOf({ input, outputs }: Contract): readonly string[] {
  const read = outputs.flatMap((output) => ('tensor' in output ? [output.tensor] : []))
  const scores = outputs.flatMap((output) =>
    output.kind === 'label' && output.scores !== undefined ? [output.scores] : [],
  )
  const states = input.kind === 'tensors' ? input.tensors.flatMap(({ state }) => state ?? []) : []
  return [...new Set([...read, ...scores, ...states])]
}
