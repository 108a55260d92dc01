import { AfieldError } from '@afield/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { Call, type Settled } from '../../packages/sdk/src/router/call.js'
import {
  EngineSet,
  type EngineSetOptions,
  type SetListener,
} from '../../packages/sdk/src/router/engine-set.js'
import type { Member } from '../../packages/sdk/src/router/member.js'
import type { Pack } from '../../packages/sdk/src/router/pack.js'

afterEach(() => void vi.unstubAllGlobals())

/** An engine that answers when it is told to. */
function engine(sharesRuns = true): {
  readonly member: Member
  readonly packs: Pack[]
  readonly answer: () => void
} {
  const packs: Pack[] = []
  let end: (error: AfieldError | undefined) => void = () => undefined
  const gone = new Promise<AfieldError | undefined>((resolve) => (end = resolve))
  const member: Member = {
    id: 1,
    owner: undefined,
    sharesRuns,
    send: (pack) => packs.push(pack) > 0,
    keepAnswers: () => undefined,
    end,
    gone,
  }
  const answer = (): void => {
    const pack = packs.shift()
    pack?.done(0.01 * pack.calls.length)
    for (const call of pack?.calls ?? []) call.settle({ outputs: {} })
  }
  return { member, packs, answer }
}

function setOf(...members: readonly Member[]): EngineSet {
  return setWith({}, {}, ...members)
}

function setWith(
  more: Partial<EngineSetOptions>,
  heard: Partial<SetListener>,
  ...members: readonly Member[]
): EngineSet {
  const served = { model: 'm', version: '1.0.0', arm: 'stable', backend: 'wasm', epoch: 0, step: 0 } as never
  const options = { maxQueue: 10_000, hungAfterMs: 30_000, cache: 0, ...more }
  const set = new EngineSet(served, {} as never, options, {
    lost: () => undefined,
    ran: () => undefined,
    ...heard,
  })
  for (const member of members) set.add(member)
  return set
}

const ask = (set: EngineSet): void => set.ask(new Call({ input: 1 }, () => undefined))

test('who awaits each answer waits for no engine: another would have nothing to do', async () => {
  const { member, packs, answer } = engine()
  const set = setOf(member)
  for (let i = 0; i < 20; i++) {
    ask(set)
    await Promise.resolve()
    expect(packs).toHaveLength(1)
    answer()
  }
  expect(set.waited).toBe(0)
  ask(set)
  await Promise.resolve()
  ask(set)
  await Promise.resolve()
  expect(set.waited).toBe(1)
})

test('what one task asks travels together, and is shared out evenly', async () => {
  const [one, two] = [engine(), engine()]
  const set = setOf(one.member, two.member)
  for (let i = 0; i < 40; i++) ask(set)
  expect([one.packs, two.packs]).toEqual([[], []])
  await Promise.resolve()
  expect([one, two].map(({ packs }) => packs.map(({ calls }) => calls.length))).toEqual([[20], [20]])
  for (let i = 0; i < 1000; i++) ask(set)
  await Promise.resolve()
  const counts = [one, two].map(({ packs }) => packs.reduce((sum, { calls }) => sum + calls.length, 0))
  expect(Math.abs((counts[0] ?? 0) - (counts[1] ?? 0))).toBeLessThan(64)
})

test('engines of a pool that give way together cost no answer', async () => {
  const engines = [engine(false), engine(false), engine(false)] as const
  const [first, busy, idle] = engines
  const set = setOf(...engines.map(({ member }) => member))
  const settled: Settled[] = []
  for (let i = 0; i < 2; i++) set.ask(new Call({ input: i }, (one) => settled.push(one)))
  expect(engines.map(({ packs }) => packs.length)).toEqual([1, 1, 0])
  const noRoom = new AfieldError('engine/no-room', 'Another is to serve.')
  for (const { member } of [busy, idle]) member.end(noRoom)
  await expect.poll(() => set.members).toEqual([first.member])
  while (first.packs.length > 0) first.answer()
  expect(settled).toEqual([{ outputs: {} }, { outputs: {} }])
})

/** Asks so many at once, and says what became of each. */
function askMany(set: EngineSet, count: number): Settled[] {
  const settled: Settled[] = []
  for (let i = 0; i < count; i++) set.ask(new Call({ input: i }, (one) => (settled[i] = one)))
  return settled
}

const HUNG = new AfieldError('engine/hung', 'A run took too long.')
const ANSWER = { outputs: {} }

test.each(['engine/hung', 'engine/crashed'] as const)(
  'one that ends its engine (%s) takes no other along: each is asked again for itself',
  async (code) => {
    const engines = [engine(), engine(), engine()] as const
    const [first, second, third] = engines
    const set = setOf(first.member)
    const settled = askMany(set, 5)
    await Promise.resolve()
    expect(first.packs.map(({ calls }) => calls.length)).toEqual([5])
    set.add(second.member)
    first.member.end(new AfieldError(code, 'The third is bad.'))
    await expect.poll(() => second.packs.length).toBeGreaterThan(0)
    for (const at of [0, 1]) {
      expect(second.packs[0]?.calls.map(({ asked }) => asked)).toEqual([{ input: at }])
      second.answer()
    }
    expect(second.packs[0]?.calls.map(({ asked }) => asked)).toEqual([{ input: 2 }])
    set.add(third.member)
    second.member.end(new AfieldError(code, 'The third is bad.'))
    await expect.poll(() => settled[2]).toMatchObject({ code })
    await expect.poll(() => third.packs.length).toBeGreaterThan(0)
    while (third.packs.length > 0) third.answer()
    expect(settled.filter((one) => one instanceof AfieldError)).toHaveLength(1)
    expect(settled.filter(Boolean)).toHaveLength(5)
  },
)

test('where engines are lost before they answer anything, nothing is asked for ever', async () => {
  const settled: Settled[] = []
  let calls = Array.from({ length: 300 }, (_, i) => new Call({ input: i }, (one) => (settled[i] = one)))
  let engines = 0
  for (; calls.length > 0 && engines < 10; engines++) {
    const { member, packs } = engine()
    let lost: readonly Call[] | undefined
    const set = setWith({}, { lost: (_, left) => (lost = left) }, member)
    for (const call of calls) set.ask(call, false)
    await expect.poll(() => packs.length).toBeGreaterThan(0)
    member.end(HUNG)
    await expect.poll(() => lost).toBeDefined()
    calls = [...(lost ?? [])]
  }
  expect(engines).toBeLessThanOrEqual(4)
  expect(settled.filter((one) => one === HUNG)).toHaveLength(300)
})

test('what was answered of a pack is not asked again, and what waited behind a run that hung has not failed', async () => {
  const [first, second] = [engine(false), engine(false)]
  const set = setOf(first.member)
  const running = askMany(set, 1)
  const waiting = askMany(set, 3)
  first.answer()
  await expect.poll(() => first.packs[0]?.calls.length).toBe(3)
  const [pack] = first.packs
  const [answered] = pack?.calls ?? []
  expect([running, set.running]).toEqual([[ANSWER], 3])
  if (answered) pack?.goesOn([answered])
  answered?.settle(ANSWER)
  expect(set.running).toBe(2)
  set.add(second.member)
  first.member.end(HUNG)
  await expect.poll(() => second.packs.length).toBeGreaterThan(0)
  while (second.packs.length > 0) second.answer()
  expect(waiting).toEqual([ANSWER, ANSWER, ANSWER])
})

test('the one question of a run that hung is told so at once', async () => {
  const [first, second] = [engine(), engine()]
  const set = setOf(first.member)
  const settled = askMany(set, 1)
  await Promise.resolve()
  set.add(second.member)
  first.member.end(HUNG)
  await expect.poll(() => settled).toEqual([HUNG])
  expect(second.packs).toEqual([])
})

test('those of one call for many do not fill the queue of the others', async () => {
  const { member, answer, packs } = engine(false)
  const set = setWith({ maxQueue: 2 }, {}, member)
  const many = set.predictMany(
    Array.from({ length: 600 }, (_, input) => ({ input })),
    undefined,
  )
  await expect.poll(() => packs.length).toBeGreaterThan(0)
  const others = askMany(set, 3)
  expect(others).toEqual([undefined, undefined, expect.objectContaining({ code: 'engine/overloaded' })])
  while (packs.length > 0) answer()
  expect([(await many).length, others.slice(0, 2)]).toEqual([600, [ANSWER, ANSWER]])
})

test('an engine more than is needed goes also where it is never idle: it answers what it has, and takes no more', async () => {
  const engines = [engine(false), engine(false), engine(false)] as const
  const [first, second, third] = engines
  const set = setOf(...engines.map(({ member }) => member))
  const settled = askMany(set, 9)
  set.shrink()
  set.shrink()
  for (const { answer } of [second, third]) answer()
  await expect.poll(() => set.members).toEqual([first.member])
  while (first.packs.length > 0) first.answer()
  expect(settled).toEqual(Array.from({ length: 9 }, () => ANSWER))
})

test('an engine on its way out stays where it is the last', async () => {
  const [first, second] = [engine(false), engine(false)]
  const set = setOf(first.member, second.member)
  const settled = askMany(set, 9)
  set.shrink()
  first.member.end(new AfieldError('engine/crashed', 'On purpose.'))
  await expect.poll(() => set.members).toEqual([second.member])
  while (second.packs.length > 0) second.answer()
  expect(settled).toEqual(Array.from({ length: 9 }, () => ANSWER))
})

/** A canvas, and the bitmaps that were made of it and closed. */
function canvas() {
  const made: ImageBitmap[] = []
  const closed: ImageBitmap[] = []
  vi.stubGlobal('createImageBitmap', () => {
    const bitmap: ImageBitmap = { width: 1, height: 1, close: () => closed.push(bitmap) }
    made.push(bitmap)
    return Promise.resolve(bitmap)
  })
  return { input: { [Symbol.toStringTag]: 'OffscreenCanvas', width: 1, height: 1 }, made, closed }
}

test('of pictures no more may wait than of anything else, those that are made ready among them', async () => {
  const { input, made } = canvas()
  const { member, answer, packs } = engine(false)
  const set = setWith({ maxQueue: 2 }, {}, member)
  const settled: Settled[] = []
  for (let i = 0; i < 5; i++) set.ask(new Call({ input }, (one) => (settled[i] = one)))
  const refused = expect.objectContaining({ code: 'engine/overloaded' }) as Settled
  expect([made.length, ...settled]).toEqual([3, undefined, undefined, undefined, refused, refused])
  await expect.poll(() => packs.length).toBe(1)
  while (packs.length > 0) answer()
  expect(settled).toEqual([ANSWER, ANSWER, ANSWER, refused, refused])
})

test('a picture whose engine was lost is kept by nobody', async () => {
  const { input, made, closed } = canvas()
  const { member, packs } = engine(false)
  const set = setWith(
    {},
    { lost: (_set, calls, error) => calls.forEach((call) => call.settle(error)) },
    member,
  )
  const settled: Settled[] = []
  for (let i = 0; i < 3; i++) set.ask(new Call({ input }, (one) => settled.push(one)))
  await expect.poll(() => packs.length).toBe(1)
  member.end(HUNG)
  await expect.poll(() => settled).toEqual([HUNG, HUNG, HUNG])
  expect(closed).toEqual(expect.arrayContaining(made.slice(1)))
})
