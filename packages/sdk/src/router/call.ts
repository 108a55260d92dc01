import { AfieldError, asAfieldError, type Answer } from '@afield/protocol'
import { aborted } from '../abort.js'
import type { Asked } from '../engine/messages.js'
import type { Served } from '../keeper/ports.js'
import { toSendable } from './sendable.js'

/** What became of one question. */
export type Settled = (Answer & { readonly cached?: true }) | AfieldError

/** Asks again after an engine was lost, or gave an answer that cannot be right. */
export type Again = (call: Call, error: AfieldError) => void

/** One question on its way: asked, perhaps once more of another engine, and settled once. */
export class Call {
  readonly asked: Asked
  /** Absent where nothing else may answer. */
  readonly again: Again | undefined
  /** What answers, as far as that is settled. */
  by: Served | undefined
  /** What is sent: the input, or what was made of it for that. */
  sendable: unknown
  bitmap: ImageBitmap | undefined
  /** What speaks for engines having been lost by it: see `losses.ts`. */
  losses = 0
  /** Engines that gave it an answer that cannot be right. */
  #wrong = 0
  /** One of many that were asked by one call. */
  isOfMany = false
  isSettled = false
  /** Hears of it when it is aborted while it waits there. */
  waitsIn: { withdraw(call: Call): void } | undefined
  readonly #tell: (settled: Settled) => void
  #signal: AbortSignal | undefined
  #abort: (() => void) | undefined

  constructor(asked: Asked, tell: (settled: Settled) => void, again?: Again) {
    this.asked = asked
    this.again = again
    this.#tell = tell
  }

  /** Settles it as soon as the signal says so; what was not sent by then is not asked. */
  listen(signal: AbortSignal): void {
    this.#signal = signal
    this.#abort = () => {
      if (this.isSettled) return
      this.settle(aborted(signal.reason))
      this.waitsIn?.withdraw(this)
    }
    if (signal.aborted) this.#abort()
    else signal.addEventListener('abort', this.#abort)
  }

  /** Makes the input ready to be sent; a promise only where that takes time. */
  ready(): Promise<void> | undefined {
    if ('golden' in this.asked) return undefined
    // Of a picture that another engine was to have.
    this.#drop()
    const { input } = this.asked
    this.sendable = input
    if (typeof input !== 'object' || ArrayBuffer.isView(input)) return undefined
    try {
      const sendable = toSendable(input)
      // What the app forgot to await is its own.
      if (sendable instanceof Promise && sendable !== input) return this.#await(sendable)
      this.sendable = sendable
    } catch (cause) {
      this.#refuse(cause)
    }
    return undefined
  }

  settle(settled: Settled): void {
    if (this.isSettled) return
    this.isSettled = true
    if (this.#abort) this.#signal?.removeEventListener('abort', this.#abort)
    this.#drop()
    this.#tell(settled)
  }

  /** Settles with an error, unless another backend may know better. */
  fail(error: AfieldError): void {
    if (error.code === 'engine/wrong-answer' && this.again && !this.isSettled && ++this.#wrong < 2) {
      return this.again(this, error)
    }
    this.settle(error)
  }

  async #await(bitmap: Promise<ImageBitmap>): Promise<void> {
    try {
      this.sendable = this.bitmap = await bitmap
    } catch (cause) {
      this.#refuse(cause)
    }
    if (this.isSettled) this.#drop()
  }

  /** What was made of a picture and not sent, of which nothing will be made any more. */
  #drop(): void {
    this.bitmap?.close()
    this.bitmap = undefined
  }

  #refuse(cause: unknown): void {
    this.settle(asAfieldError(cause, 'internal/unexpected', 'The input could not be sent'))
  }
}
