import { AfieldError } from '@afield/protocol'
import { expect, test } from 'vitest'
import { Call, type Settled } from '../../packages/sdk/src/router/call.js'
import { EngineSet } from '../../packages/sdk/src/router/engine-set.js'
import type { Member, Pack } from '../../packages/sdk/src/router/member.js'

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
  const served = { model: 'm', version: '1.0.0', arm: 'stable', backend: 'wasm', epoch: 0, step: 0 } as never
  const options = { maxQueue: 10_000, hungAfterMs: 30_000, cache: 0 }
  const set = new EngineSet(served, {} as never, options, { lost: () => undefined, ran: () => undefined })
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
