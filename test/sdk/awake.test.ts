import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Awake, AWAKE_MS } from '../../packages/sdk/src/awake.js'

let turns: (() => void)[] = []
let now = 0

beforeEach(() => {
  turns = []
  now = 1000
  vi.stubGlobal('scheduler', { postTask: (turn: () => void) => void turns.push(turn) })
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 })
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** One turn of the event loop. */
function turn(): void {
  for (const next of turns.splice(0)) next()
}

test('takes one turn after the other until its time is over, which each call begins anew', () => {
  const awake = new Awake()
  awake.stay()
  expect(turns).toHaveLength(1)
  turn()
  now += AWAKE_MS * 0.9
  awake.stay()
  turn()
  expect(turns).toHaveLength(1)
  now += AWAKE_MS * 0.9
  turn()
  expect(turns).toHaveLength(1)
  now += AWAKE_MS * 0.2
  turn()
  expect(turns).toHaveLength(0)
  awake.stay()
  expect(turns).toHaveLength(1)
})

test('goes to sleep as soon as nothing is waited for', () => {
  let isWanted = true
  const awake = new Awake(() => isWanted)
  awake.stay()
  turn()
  expect(turns).toHaveLength(1)
  isWanted = false
  turn()
  expect(turns).toHaveLength(0)
})

test('sleeps as ever on a device of one core, and where the browser has no such turns', () => {
  vi.stubGlobal('navigator', { hardwareConcurrency: 1 })
  new Awake().stay()
  vi.stubGlobal('navigator', { hardwareConcurrency: 2 })
  vi.stubGlobal('scheduler', undefined)
  new Awake().stay()
  expect(turns).toHaveLength(0)
})
