import { expect, test } from 'vitest'

test('gets the seed', () => {
  expect(process.env['SEED']).toBe('7')
})

test('passes', () => {
  expect(1 + 1).toBe(2)
})
