import { toHex } from '@afield/protocol'
import type { KeyValueStore, Ports } from './ports.js'

const KEY = 'device'

/**
 * The device's id: 128 random bits, made once, kept on the device and never sent. It decides buckets and nothing
 * else.
 */
export async function deviceId({
  state,
  random,
  locks,
}: Pick<Ports, 'state' | 'random' | 'locks'>): Promise<string> {
  return (
    (await storedId(state)) ??
    locks.hold('device', async () => (await storedId(state)) ?? makeId(state, random))
  )
}

async function storedId(state: KeyValueStore): Promise<string | undefined> {
  const value = await state.get(KEY)
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value) ? value : undefined
}

async function makeId(state: KeyValueStore, random: Ports['random']): Promise<string> {
  const id = toHex(random(16))
  await state.write(new Map([[KEY, id]]))
  return id
}
