import { expect, test } from 'vitest'
import { Call } from '../../packages/sdk/src/router/call.js'
import { EngineSet } from '../../packages/sdk/src/router/engine-set.js'
import type { Member, Pack } from '../../packages/sdk/src/router/member.js'

/** An engine that answers when it is told to. */
function engine(): { readonly member: Member; readonly packs: Pack[]; readonly answer: () => void } {
  const packs: Pack[] = []
  const member: Member = {
    id: 1,
    owner: undefined,
    sharesRuns: true,
    send: (pack) => packs.push(pack) > 0,
    keepAnswers: () => undefined,
    end: () => undefined,
    gone: new Promise(() => undefined),
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
