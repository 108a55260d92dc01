import { expect, test } from 'vitest'
import { checkNumbers } from '../../packages/sdk/dist/engine/numbers.js'

const floats = (...data: readonly number[]) =>
  ({ y: { dtype: 'float32', dims: [data.length], data: Float32Array.from(data) } }) as const
const halves = (...bits: readonly number[]) =>
  ({ x: { dtype: 'float16', dims: [bits.length], data: Uint16Array.from(bits) } }) as const

test('NaN out of numbers is a wrong answer', () => {
  expect(() => checkNumbers(floats(1, 2), floats(1, Number.NaN))).toThrow(
    expect.objectContaining({ code: 'engine/wrong-answer', details: { output: 'y' } }),
  )
  // 65,504 is the largest half.
  expect(() => checkNumbers(halves(0x3c00, 0x7bff), floats(Number.NaN))).toThrow('NaN')
})

test.each([
  ['NaN', floats(1, Number.NaN)],
  ['infinity', floats(1, -Infinity)],
  ['NaN as a half', halves(0x3c00, 0x7e00)],
  ['infinity as a half', halves(0xfc00)],
])('NaN out of %s is what any graph may make of it', (_, inputs) => {
  expect(() => checkNumbers(inputs, floats(Number.NaN))).not.toThrow()
})
