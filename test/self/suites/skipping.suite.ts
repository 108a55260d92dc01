import { expect, test } from 'vitest'

test.skip('is skipped', () => {
  expect(1 + 1).toBe(2)
})
