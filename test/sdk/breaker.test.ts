import { expect, test } from 'vitest'
import { Breaker } from '../../packages/sdk/dist/router/breaker.js'

const MINUTE = 60_000

function breakerAt(): { readonly breaker: Breaker; readonly pass: (ms: number) => void } {
  let now = 0
  return { breaker: new Breaker(() => now), pass: (ms) => void (now += ms) }
}

function fail(breaker: Breaker, times: number): boolean[] {
  return Array.from({ length: times }, () => breaker.failed())
}

test('five failures in a row open it for a minute; a success among them begins anew', () => {
  const { breaker, pass } = breakerAt()
  expect(fail(breaker, 4)).toEqual([false, false, false, false])
  breaker.close()
  expect(fail(breaker, 4)).toEqual([false, false, false, false])
  expect([breaker.state, breaker.admits()]).toEqual(['closed', true])
  expect(breaker.failed()).toBe(true)
  expect([breaker.state, breaker.admits(), breaker.retryAfterMs]).toEqual(['open', false, MINUTE])
  pass(MINUTE - 1)
  expect([breaker.admits(), breaker.retryAfterMs]).toEqual([false, 1])
})

test('then one call tries, and the others wait for what becomes of it', () => {
  const { breaker, pass } = breakerAt()
  fail(breaker, 5)
  pass(MINUTE)
  expect(breaker.state).toBe('half-open')
  expect([breaker.admits(), breaker.admits(), breaker.admits()]).toEqual([true, false, false])
  breaker.close()
  expect([breaker.state, breaker.admits(), breaker.admits()]).toEqual(['closed', true, true])
})

test('a try that fails opens it for another minute, which is no new opening; one that says nothing leaves the next to try', () => {
  const { breaker, pass } = breakerAt()
  fail(breaker, 5)
  pass(MINUTE)
  expect(breaker.admits()).toBe(true)
  expect(breaker.failed()).toBe(false)
  expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', MINUTE])
  pass(MINUTE)
  expect(breaker.admits()).toBe(true)
  breaker.withdrawn()
  expect(breaker.admits()).toBe(true)
})

test('calls that were under way when it opened neither keep it open longer nor open it again', () => {
  const { breaker, pass } = breakerAt()
  fail(breaker, 5)
  pass(MINUTE / 2)
  expect(fail(breaker, 20)).not.toContain(true)
  expect(breaker.retryAfterMs).toBe(MINUTE / 2)
})

test('it can be opened for as long as a server asks, and let one try at once', () => {
  const { breaker, pass } = breakerAt()
  breaker.open(2000)
  expect([breaker.state, breaker.retryAfterMs]).toEqual(['open', 2000])
  pass(2000)
  expect(breaker.state).toBe('half-open')
  breaker.open()
  breaker.halfOpen()
  expect([breaker.admits(), breaker.admits()]).toEqual([true, false])
})
