import { AfieldError, type Answer } from '@afield/protocol'
import type { Asked } from '../engine/messages.js'
import type { Served, Terms } from '../keeper/ports.js'
import { Call, type Settled } from './call.js'
import { Holds } from './holds.js'
import { blame } from './losses.js'
import type { Member } from './member.js'
import { Pack } from './pack.js'
import { REST, nextPack, type Seat } from './packing.js'
import { Queue, overloaded } from './queue.js'
import { Spares } from './spares.js'
import { unsendable } from './unsendable.js'
import { Watchdog } from './watchdog.js'

/** Ends of an engine that say nothing of what it still had. */
const DID_NOTHING: ReadonlySet<string> = new Set(['engine/out-of-memory', 'engine/no-room'])

const GONE = new AfieldError('engine/crashed', 'The engine is gone.')

/**
 * When it is looked at what may be sent: while a task asks, when it has asked, or when an engine is done with a pack and
 * goes on with the next.
 */
type Moment = 'asking' | 'asked' | 'between'

export interface EngineSetOptions {
  maxQueue: number
  hungAfterMs: number
  cache: number
}

/** What a set tells. */
export interface SetListener {
  /** Questions that were lost with the last engine. Without one, the set is of no use any more. */
  lost(set: EngineSet, calls: readonly Call[], error: AfieldError): void
  ran(set: EngineSet, ms: number, together: number): void
}

/**
 * The engines that run one version on one backend, and the one queue before them. An idle engine is asked as soon as a
 * task has asked; while all are busy, questions gather and travel together. How they are shared out is in `packing.ts`.
 */
export class EngineSet {
  served: Served
  terms: Terms
  /** Of the engine that it began with. */
  firstId: number | undefined
  /** Ms that its engines ran. */
  ranMs = 0
  /** Questions that they answered, in how many packs: see {@link together}. */
  answered = 0
  packs = 0
  /** How many waited for an engine, summed over each time that was asked: it grows while the engines are not enough. */
  waited = 0
  /** Hears when the last answer is given. */
  onIdle: (() => void) | undefined
  /** Hears of each question. */
  onWork: (() => void) | undefined
  /** What it is not ended before. */
  readonly holds = new Holds(() => this.#endIfDone())
  readonly #options: EngineSetOptions
  readonly #listener: SetListener
  readonly #seats: Seat[] = []
  readonly #queue = new Queue(() => this.#endIfDone())
  /** Pictures that are made ready, after which they wait like anything else. */
  readonly #preparing = new Set<Call>()
  readonly #spares = new Spares()
  #isPumping = false
  #isRetired = false
  /** Ms that a question takes in a pack, of late. */
  #eachMs: number | undefined
  readonly #watchdog = new Watchdog<Seat>({
    limitMs: () => this.#options.hungAfterMs,
    runs: () => this.#seats.filter(({ held }) => held.length > 0),
    onHung: ({ member }, limitMs) =>
      member.end(
        new AfieldError(
          'engine/hung',
          `A run of "${this.served.model}" took longer than ${limitMs} ms (hungAfterMs), so its engine was ended. The next call starts another.`,
        ),
      ),
  })

  constructor(served: Served, terms: Terms, options: EngineSetOptions, listener: SetListener) {
    this.served = served
    this.terms = terms
    this.#options = options
    this.#listener = listener
  }

  get members(): readonly Member[] {
    return this.#seats.map(({ member }) => member)
  }

  /** Without an engine it is of no use any more. */
  get isAlive(): boolean {
    return this.#seats.length > 0
  }

  /** Its engines, but for those on their way out. */
  get staying(): number {
    return this.#seats.filter(({ isLeaving }) => !isLeaving).length
  }

  get waiting(): number {
    return this.#queue.length
  }

  get running(): number {
    return this.#seats.reduce((sum, { calls }) => sum + calls, 0)
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#seats.every(({ held }) => held.length === 0)
  }

  /** How many questions share a run in the mean. */
  get together(): number {
    return this.packs === 0 ? 1 : this.answered / this.packs
  }

  /** Ms that its engines worked until now: those of the runs under way among them. */
  workedMs(now: number): number {
    return this.#seats.reduce((sum, { held, since }) => sum + (held.length > 0 ? now - since : 0), this.ranMs)
  }

  add(member: Member): void {
    if (this.#isRetired) return member.end(undefined)
    member.owner = this
    this.firstId ??= member.id
    if (this.#options.cache > 0) member.keepAnswers(this.#options.cache)
    this.#seats.push({ member, held: [], calls: 0, since: 0, seen: 0, hasAnswered: false, isLeaving: false })
    void member.gone.then((error) => this.#lost(member, error))
    this.#pump('asking')
  }

  /**
   * Has one engine more than is needed go when it has answered what it has: that which has least to do; of the idle,
   * that which was asked longest ago. Never the first, by which the keeper measures and names what serves.
   */
  shrink(): void {
    const [leaving] = this.#seats
      .slice(1)
      .filter(({ isLeaving }) => !isLeaving)
      .sort((a, b) => a.calls - b.calls || a.since - b.since)
    if (!leaving) return
    leaving.isLeaving = true
    this.#endIfLeft(leaving)
  }

  /** The limit of time for a run may have changed, also for those under way. */
  heedLimit(): void {
    if (!this.isIdle) this.#watchdog.watch()
  }

  /** Has its engines keep so many answers. */
  keepAnswers(count: number): void {
    for (const { member } of this.#seats) member.keepAnswers(count)
  }

  /** @throws nothing: whatever becomes of it, the call hears. @param bounded as many may wait as may wait. */
  ask(call: Call, bounded = true): void {
    if (call.isSettled) return
    call.by = this.served
    if (bounded && !this.#hasRoom()) {
      return call.settle(overloaded(this.served.model, this.#unstarted + this.#preparing.size))
    }
    const ready = call.ready()
    if (!ready) return this.#enqueue([call])
    const release = this.holds.hold()
    const isReady = (): unknown => this.#preparing.delete(call)
    this.#preparing.add(call)
    call.waitsIn = { withdraw: isReady }
    void ready.then(() => {
      isReady()
      this.#enqueue([call])
      release()
    })
  }

  /** Asks all of them together as soon as all are ready; more of them may wait than of others. */
  async askAll(calls: readonly Call[]): Promise<void> {
    const release = this.holds.hold()
    for (const call of calls) call.by = this.served
    await Promise.all(calls.flatMap((call) => (call.isSettled ? [] : (call.ready() ?? []))))
    this.#enqueue(calls)
    release()
  }

  /** Uncounted, and answered by this version or not at all. */
  async predict(asked: Asked, signal: AbortSignal | undefined): Promise<Answer> {
    const [only] = await this.predictMany([asked], signal)
    if (only && !(only instanceof AfieldError)) return only
    throw only ?? new AfieldError('internal/unexpected', 'An answer is missing.')
  }

  /** Answers or errors, one a question and in their order. What was not sent when the signal aborts is not asked. */
  predictMany(asked: readonly Asked[], signal: AbortSignal | undefined): Promise<readonly Settled[]> {
    const calls: Call[] = []
    const settled = asked.map(
      (one) =>
        new Promise<Settled>((resolve) => {
          const call = new Call(one, resolve)
          call.isOfMany = true
          if (signal) call.listen(signal)
          calls.push(call)
        }),
    )
    void this.askAll(calls)
    return Promise.all(settled)
  }

  /** Answers what it was asked and is held for, then ends. */
  retire(): void {
    this.#isRetired = true
    this.#endIfDone()
  }

  #enqueue(calls: readonly Call[]): void {
    if (!this.isAlive) {
      const asked = calls.filter(({ isSettled }) => !isSettled)
      return this.#listener.lost(this, asked, GONE)
    }
    for (const call of calls) if (!call.isSettled) this.#queue.add(call)
    this.#pump('asking')
    // What waits for its task to end waits for no engine.
    if (!this.#isPumping) this.waited += this.#unstarted
    this.onWork?.()
  }

  #hasRoom(): boolean {
    if (!this.#isFull) return true
    const idle = (): number => this.#seats.filter(({ held }) => held.length === 0).length
    // What would have gone to an idle engine when this task is over goes now.
    if (idle() > 0) this.#pump('asked')
    if (!this.#isFull) return true
    // Of what is not ready yet, each takes one at once.
    return idle() > 0 && this.#preparing.size < this.#options.maxQueue + idle()
  }

  /** As many wait as may. Those of one call for many say nothing of how much else may. */
  get #isFull(): boolean {
    const { maxQueue } = this.#options
    const preparing = this.#preparing.size
    if (this.#unstarted + preparing < maxQueue) return false
    const inEngines = this.#seats.flatMap(({ held }) => held.slice(1).flatMap(({ calls }) => calls))
    const counted = [...this.#queue.calls, ...inEngines].filter(
      ({ isSettled, isOfMany }) => !isSettled && !isOfMany,
    )
    return counted.length + preparing >= maxQueue
  }

  /** What waits, here or before an engine that runs others. */
  get #unstarted(): number {
    const inEngines = this.#seats.reduce((sum, { calls, held }) => sum + calls - (held[0]?.left ?? 0), 0)
    return this.#queue.length + inEngines
  }

  /**
   * Sends what may be sent: whatever waits to an idle engine, to the others what is worth a pack. Where questions share a
   * run, those of one task are sent together when it is over; else the first goes at once, and no other waits for it.
   */
  #pump(moment: Moment): void {
    const sharesRuns = this.#seats[0]?.member.sharesRuns === true
    if (moment === 'asking' && sharesRuns && this.#queue.length < REST) return this.#pumpWhenAsked()
    const isEager = moment === 'between' || (moment === 'asked' && sharesRuns)
    const { hungAfterMs } = this.#options
    const next = () =>
      nextPack(this.#seats, { count: this.#queue.length, eachMs: this.#eachMs, hungAfterMs, isEager })
    for (let pack = next(); pack; pack = next()) this.#send(pack.seat, this.#queue.take(pack.count))
    if (this.#queue.length > 0 && moment === 'asking' && sharesRuns) this.#pumpWhenAsked()
  }

  #pumpWhenAsked(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    queueMicrotask(() => {
      this.#isPumping = false
      this.#pump('asked')
      this.waited += this.#unstarted
    })
  }

  #send(seat: Seat, calls: readonly Call[]): void {
    const now = performance.now()
    const pack: Pack = new Pack(calls, this.#spares, {
      goesOn: (answered) => {
        if (seat.held[0] === pack) seat.seen = performance.now()
        seat.calls -= answered
        if (answered > 0) seat.hasAnswered = true
      },
      done: (ms) => this.#done(seat, pack, ms),
    })
    if (seat.held.length === 0) seat.since = seat.seen = now
    seat.held.push(pack)
    seat.calls += calls.length
    this.#watchdog.watch()
    if (seat.member.send(pack)) return
    this.#forget(seat, pack)
    const [only] = calls
    // One of them cannot be cloned; the others are asked all the same.
    if (calls.length > 1) return calls.forEach((call) => this.#send(seat, [call]))
    only?.settle(unsendable(only.bitmap))
    this.#endIfDone()
  }

  #forget(seat: Seat, pack: Pack): void {
    seat.held.splice(seat.held.indexOf(pack), 1)
    seat.calls -= pack.left
  }

  #done(seat: Seat, pack: Pack, ms: number): void {
    this.#forget(seat, pack)
    seat.hasAnswered = true
    seat.since = seat.seen = performance.now()
    this.ranMs += ms
    this.answered += pack.calls.length
    this.packs += 1
    this.#eachMs = ((this.#eachMs ?? ms / pack.calls.length) + ms / pack.calls.length) / 2
    this.#listener.ran(this, ms, pack.calls.length)
    this.#endIfLeft(seat)
    if (this.#queue.length > 0) return this.#pump(seat.held.length > 0 ? 'between' : 'asked')
    if (this.onIdle && this.isIdle) this.onIdle()
    this.#endIfDone()
  }

  /** What a lost engine had is asked again, of another, unless it may be what the engine was lost by: see {@link blame}. */
  #lost(member: Member, error: AfieldError | undefined): void {
    const at = this.#seats.findIndex((seat) => seat.member === member)
    const [seat] = at < 0 ? [] : this.#seats.splice(at, 1)
    if (!seat) return
    const reason = error ?? new AfieldError('closed', 'The engine was closed.')
    const [first = [], ...later] = seat.held.map(({ unanswered }) => unanswered)
    const behind = later.flat()
    if (!error) for (const call of [...first, ...behind]) call.settle(reason)
    const waiting = [...behind, ...(this.isAlive ? [] : this.#queue.takeAll())]
    if (error && !DID_NOTHING.has(error.code)) blame(first, waiting, reason, seat.hasAnswered)
    const calls = [...first, ...waiting].filter((call) => !call.isSettled)
    if (!this.isAlive) {
      this.#isRetired = true
      this.#watchdog.stop()
      return this.#listener.lost(this, calls, reason)
    }
    // The first of those that are left stays, or what waits would wait for nobody.
    const [left] = this.#seats
    if (left) left.isLeaving = false
    for (const call of calls) this.ask(call, false)
    this.#pump('asking')
    this.#endIfDone()
  }

  #endIfLeft(seat: Seat): void {
    if (!seat.isLeaving || seat.held.length > 0) return
    this.#seats.splice(this.#seats.indexOf(seat), 1)
    seat.member.end(undefined)
  }

  #endIfDone(): void {
    if (!this.#isRetired || this.holds.any || !this.isIdle) return
    this.#watchdog.stop()
    // Gone at once: whatever is asked from now on is not to be sent to what has ended.
    for (const { member } of this.#seats.splice(0)) member.end(undefined)
  }
}
