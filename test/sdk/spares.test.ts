import { expect, test } from 'vitest'
import { Spares } from '../../packages/sdk/src/router/spares.js'

test('memory that came back is filled again, at its length', () => {
  const spares = new Spares()
  const first = spares.take(100)
  spares.keep(first.buffer)
  const again = spares.take(60)
  expect(again.buffer).toBe(first.buffer)
  expect(again).toHaveLength(60)
  expect(spares.take(60).buffer).not.toBe(first.buffer)
})

test('no memory is given that is too small, or of which most would stay empty', () => {
  const spares = new Spares()
  const small = spares.take(10)
  const large = spares.take(1000)
  spares.keep(small.buffer)
  spares.keep(large.buffer)
  expect(spares.take(100).buffer).not.toBe(large.buffer)
  expect(spares.take(251).buffer).toBe(large.buffer)
  expect(spares.take(10).buffer).toBe(small.buffer)
})

test('little is kept: 8 packs, and none over 1 MiB', () => {
  const spares = new Spares()
  const large = new ArrayBuffer(2 ** 20 + 4)
  spares.keep(large)
  expect(spares.take(large.byteLength / 4).buffer).not.toBe(large)
  const packs = Array.from({ length: 9 }, () => new ArrayBuffer(400))
  for (const pack of packs) spares.keep(pack)
  const taken = packs.map(() => spares.take(100).buffer)
  expect(taken.filter((one) => packs.includes(one))).toEqual(packs.slice(1))
})
