import { memoryStorage, type KeyValueStore } from 'afield/node'
import { expect, test } from 'vitest'
import { ModelRecords } from '../../packages/sdk/dist/keeper/activation/record.js'
import { localLocks } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import { Verdicts, type Tried } from '../../packages/sdk/dist/keeper/engines/verdicts.js'
import { DAY, TestClock } from './support/clock.js'
import { loadedDevice } from './support/devices.js'
import { MODEL, makeRepository } from './support/repository.js'
import { refusingStore } from './support/stores.js'

const hash = (digit: string) => digit.repeat(64) as Tried['descriptor']
const TRIED: Tried = { descriptor: hash('a'), backend: 'webgpu', on: 'vendor/gpu ort 1 browser 1' }
const LOST = { ...TRIED, outcome: 'lost', why: 'device-lost', message: 'It went away.' } as const

function portsWith(state: KeyValueStore, clock = new TestClock()) {
  return { state, clock, locks: localLocks(), log: () => undefined }
}

test('a verdict outlives the visit, and holds for that GPU, runtime and browser alone', async () => {
  const ports = portsWith(memoryStorage().state)
  await new Verdicts(ports, 'one').remember(LOST)
  const later = new Verdicts(ports, 'two')
  expect(await later.find(TRIED)).toEqual(LOST)
  expect(await later.find({ ...TRIED, on: 'vendor/gpu ort 1 browser 2' })).toBeUndefined()
  expect(await later.find({ ...TRIED, backend: 'webnn' })).toBeUndefined()
  expect(await later.find({ ...TRIED, descriptor: hash('b') })).toBeUndefined()
})

test('a rest ends, and the next verdict takes the place of the one before', async () => {
  const clock = new TestClock()
  const verdicts = new Verdicts(portsWith(memoryStorage().state, clock), 'one')
  await verdicts.remember({ ...LOST, until: clock.now() + DAY })
  clock.advance(DAY - 1)
  expect(await verdicts.find(TRIED)).toMatchObject({ outcome: 'lost' })
  clock.advance(1)
  expect(await verdicts.find(TRIED)).toBeUndefined()
  await verdicts.remember({ ...LOST, outcome: 'won', why: 'faster' })
  expect(await verdicts.find(TRIED)).toMatchObject({ outcome: 'won' })
})

test('a rest that was given while the clock was ten years fast does not last for ten years', async () => {
  const { state } = memoryStorage()
  const fast = new TestClock(Date.now() + 3650 * DAY)
  await new Verdicts(portsWith(state, fast), 'one').remember({ ...LOST, until: fast.now() + DAY })
  expect(await new Verdicts(portsWith(state, fast), 'two').find(TRIED)).toMatchObject({ outcome: 'lost' })
  expect(await new Verdicts(portsWith(state), 'three').find(TRIED)).toBeUndefined()
})

test('a page that dies during a trial gives the backend a strike, one that is closed does not', async () => {
  const ports = portsWith(memoryStorage().state)
  await new Verdicts(ports, 'died').begin(TRIED)
  await new Verdicts(ports, 'closed').begin(TRIED)
  const ended = new Verdicts(ports, 'ended')
  await ended.begin(TRIED)
  await ended.end()
  await new ModelRecords(ports).forgive('closed')
  const next = new Verdicts(ports, 'next')
  await next.begin(TRIED)
  expect(await next.strikes(TRIED)).toBe(1)
  expect(await next.strikes(TRIED)).toBe(1)
  await next.remember(LOST)
  expect(await next.strikes(TRIED)).toBe(0)
})

test('what cannot be stored is remembered for the visit', async () => {
  const verdicts = new Verdicts(portsWith(refusingStore(memoryStorage().state)), 'one')
  await verdicts.remember(LOST)
  await verdicts.rememberBringUp('jspi', 1234)
  expect(await verdicts.find(TRIED)).toEqual(LOST)
  expect(await verdicts.bringUpMs('jspi')).toBe(1234)
  expect(await verdicts.bringUpMs('asyncify')).toBeUndefined()
})

test('a damaged record counts as none', async () => {
  const { state } = memoryStorage()
  await state.write(new Map([['backends', { verdicts: 'none' }]]))
  expect(await new Verdicts(portsWith(state), 'one').find(TRIED)).toBeUndefined()
})

test('what a browser found out before it was updated is not told of the one that serves now', async () => {
  const { device, storage } = await loadedDevice(await makeRepository(['1.0.0']))
  const records = new ModelRecords(portsWith(storage.state))
  const { current } = await records.read(MODEL)
  const tried = { ...TRIED, descriptor: current?.descriptor ?? hash('0') }
  const verdicts = new Verdicts(portsWith(storage.state), 'one')
  await verdicts.remember({ ...tried, outcome: 'lost', why: 'slower', message: 'It took 2 ms for 1.' })
  const { backends, sentence } = await device.explain(MODEL)
  expect(backends).toMatchObject([{ backend: 'webgpu', outcome: 'lost' }])
  expect(sentence).toContain('WebGPU is not used: It took 2 ms for 1.')
  const updated = { ...tried, on: 'vendor/gpu ort 1 browser 2' }
  await verdicts.remember({ ...updated, outcome: 'won', why: 'faster', message: '' })
  const after = await device.explain(MODEL)
  expect(after.backends).toMatchObject([{ backend: 'webgpu', outcome: 'won' }])
  expect(after.sentence).not.toContain('is not used')
})
