import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publish } from '@afield/cli'
import type { ModelState } from 'afield'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeKindModel } from '../support/kind-models.js'
import { startDevice } from './support/devices.js'
import { makeRepository, type TestRepository } from './support/repository.js'

let repository: TestRepository
let folder: string

beforeAll(async () => {
  repository = await makeRepository([])
  folder = await mkdtemp(join(tmpdir(), 'afield-stateful-'))
  const model = await writeKindModel(folder, 'counter')
  await publish({ repo: repository.dir, model, version: '1.0.0', author: 'Tests' })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('state outlives the engine that gave it, and goes on over an update of the same format', async () => {
  const device = startDevice(repository)
  await device.load('counter')
  let state: ModelState | undefined
  const frames: unknown[] = []
  const ask = async (): Promise<string> => {
    const answer = await device.predict('counter', Float32Array.of(8, 0, 0), { state })
    state = answer.state
    frames.push(answer.outputs['frames'], answer.outputs['level'])
    return answer.modelVersion
  }
  await ask()
  await device.load('counter')
  await ask()
  const model = await writeKindModel(folder, 'counter')
  await publish({ repo: repository.dir, model, version: '1.1.0', author: 'Tests' })
  await device.check()
  expect(await ask()).toBe('1.1.0')
  expect(frames).toEqual([1, 8, 2, 12, 3, 14])
})

test('an answer that is kept is of an input and the state that it came with', async () => {
  const device = startDevice(repository)
  await device.load('counter')
  await device.configure('counter', { cache: 10 })
  const ask = (state?: ModelState) => device.predict('counter', Float32Array.of(8, 0, 0), { state })
  const { state } = await ask()
  const [again, next, nextAgain] = [await ask(), await ask(state), await ask(state)]
  expect([again, next, nextAgain].map(({ cached, outputs }) => [cached, outputs['frames']])).toEqual([
    [true, 1],
    [undefined, 2],
    [true, 2],
  ])
})

test('a model without state takes none and gives none', async () => {
  const model = await writeKindModel(folder, 'pets')
  await publish({ repo: repository.dir, model, version: '1.0.0', author: 'Tests' })
  const device = startDevice(repository)
  await device.load('pets')
  const answer = await device.predict('pets', [1, 2, 3, 4])
  expect(answer).not.toHaveProperty('state')
  const state: ModelState = { of: 'pets 0', tensors: {} }
  await expect(device.predict('pets', [1, 2, 3, 4], { state })).rejects.toMatchObject({
    code: 'input/invalid',
    details: { field: 'state', problem: 'unknown' },
  })
})
