import { AfieldError } from '@afield/protocol'
import type { KeyValueStore, Ports } from './ports.js'
import { randomName } from './random-name.js'

const KEY = 'device'

/**
 * The device's id: 128 random bits, made once, kept on the device and never sent. It decides buckets and nothing
 * else. Where it cannot be stored, the next visit is another device.
 */
export async function deviceId({
  state,
  random,
  locks,
  log,
}: Pick<Ports, 'state' | 'random' | 'locks' | 'log'>): Promise<string> {
  return (
    (await storedId(state)) ??
    locks.hold('device', async () => (await storedId(state)) ?? makeId(state, random, log))
  )
}

async function storedId(state: KeyValueStore): Promise<string | undefined> {
  const value = await state.get(KEY)
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) ? value : undefined
}

async function makeId(state: KeyValueStore, random: Ports['random'], log: Ports['log']): Promise<string> {
  const id = randomName(random)
  if ((await state.get(KEY)) !== undefined)
    log('warn', 'The stored device id is unreadable and is made anew.')
  try {
    await state.write(new Map([[KEY, id]]))
  } catch (error) {
    if (!(error instanceof AfieldError)) throw error
    log('warn', 'The device id could not be stored; the next visit counts as another device.', error)
  }
  return id
}
