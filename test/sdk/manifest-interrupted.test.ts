import { AfieldError } from '@afield/protocol'
import { memoryStorage, type KeyValueStore } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { filesOf } from '../conformance/support/draft.js'
import { indexBytes, makeManifestWorld, versionsOf, type ManifestWorld } from './support/manifests.js'
import { HOUR } from './support/clock.js'

const BEFORE = { m: ['1.0.0'] }
const AFTER = { m: ['1.0.0', '2.0.0'] }

let world: ManifestWorld
let state: KeyValueStore

beforeEach(async () => {
  world = await makeManifestWorld(['m'])
  state = memoryStorage().state
  await world.client(state).check(['m'])
})

afterEach(() => world.host.close())

const publishSecond = () =>
  world.publish(({ documents }) => documents.set('models/m.json', indexBytes('m', AFTER.m)))

/** A check that dies at a step, as with a tab that is killed there. */
async function checkUntil(step: string): Promise<void> {
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  const atStep = (at: string): void | Promise<void> => {
    if (at !== step) return
    die()
    return new Promise(() => undefined)
  }
  void world.client(state, { atStep }).check(['m'])
  await death
}

describe('a check that dies', () => {
  test.each([
    'check/started',
    'check/timestamp-accepted',
    'check/snapshot-accepted',
    'check/targets-accepted',
    'check/documents-verified',
  ])('at %s leaves what served, and the next one finishes it', async (step) => {
    await publishSecond()
    await checkUntil(step)
    expect(versionsOf(await world.client(state).restore())).toEqual(BEFORE)
    expect(versionsOf(await world.client(state).check(['m']))).toEqual(AFTER)
    expect(versionsOf(await world.client(state).restore())).toEqual(AFTER)
  })

  test('at check/stored leaves the newer state', async () => {
    await publishSecond()
    await checkUntil('check/stored')
    expect(versionsOf(await world.client(state).restore())).toEqual(AFTER)
  })

  test('remembers what it accepted: an older copy is refused from then on', async () => {
    const old = await filesOf(world.draft)
    await publishSecond()
    await checkUntil('check/timestamp-accepted')
    world.host.files = old
    await expect(world.client(state).check(['m'])).rejects.toMatchObject({
      code: 'manifest/rollback',
      details: { file: 'timestamp.json', version: 5, held: 6 },
    })
    expect(versionsOf(await world.client(state).restore())).toEqual(BEFORE)
  })

  test('and whose progress is damaged since, falls back on what is stored: nothing older is taken', async () => {
    const old = await filesOf(world.draft)
    await publishSecond()
    await world.client(state).check(['m'])
    await state.write(
      new Map([['manifest-progress', { roots: [], roles: {}, timestamp: new Uint8Array(9) }]]),
    )
    world.host.files = old
    await expect(world.client(state).check(['m'])).rejects.toMatchObject({ code: 'manifest/rollback' })
    expect(versionsOf(await world.client(state).restore())).toEqual(AFTER)
  })

  test('does not fetch again what it had accepted', async () => {
    await publishSecond()
    await checkUntil('check/targets-accepted')
    world.host.requests.length = 0
    await world.client(state).check(['m'])
    expect(world.host.requests.filter((path) => /(snapshot|targets)\.json$/.test(path))).toEqual([])
  })

  test('drops what it remembered once a later one is complete', async () => {
    await publishSecond()
    await checkUntil('check/snapshot-accepted')
    expect(await state.keys()).toContain('manifest-progress')
    await world.client(state).check(['m'])
    expect(await state.keys()).toEqual(['manifest'])
  })
})

describe('a publish that is half deployed', () => {
  test.each(['snapshot', 'targets', 'rollouts'])(
    'without its %s.json, leaves what served, and does no harm once it is whole',
    async (role) => {
      await publishSecond()
      const whole = world.host.files
      world.host.files = new Map([...whole].filter(([path]) => path !== `metadata/6.${role}.json`))
      for (let i = 0; i < 2; i++) {
        await expect(world.client(state).check(['m'])).rejects.toMatchObject({ code: 'manifest/unavailable' })
        expect(versionsOf(await world.client(state).restore())).toEqual(BEFORE)
      }
      world.host.files = whole
      expect(versionsOf(await world.client(state).check(['m']))).toEqual(AFTER)
    },
  )

  test('and never mended, is left behind by the next', async () => {
    await publishSecond()
    world.host.files.delete('metadata/6.targets.json')
    await expect(world.client(state).check(['m'])).rejects.toMatchObject({ code: 'manifest/unavailable' })
    await world.publish()
    expect(versionsOf(await world.client(state).check(['m']))).toEqual(AFTER)
  })
})

test('a store that takes nothing keeps the progress in memory', async () => {
  const full: KeyValueStore = {
    ...state,
    write: () => Promise.reject(new AfieldError('storage/quota', 'No room.')),
  }
  const client = world.client(full)
  await publishSecond()
  expect(versionsOf(await client.check(['m']))).toEqual(AFTER)
  expect(versionsOf(await client.restore())).toEqual(AFTER)
})

test('an unchanged check is one request', async () => {
  world.clock.advance(HOUR)
  world.host.requests.length = 0
  await world.client(state).check(['m'])
  expect(world.host.requests).toEqual(['metadata/timestamp.json'])
  expect(world.host.files.get('metadata/timestamp.json')?.length).toBeLessThan(1024)
})
