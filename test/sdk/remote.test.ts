import { AfieldError } from '@afield/protocol'
import { expect, test } from 'vitest'
import { loadBuilt } from '../e2e/support/inputs.js'

interface Calls {
  add(a: number, b: number): Promise<number>
  fail(): Promise<never>
  port(): Promise<{ readonly port: MessagePort }>
  missing(): Promise<void>
  nothing(): Promise<unknown>
}

const { connect, transferring } = (await loadBuilt('remote.js')) as {
  connect: (end: MessagePort, own: object) => Calls
  transferring: <T extends object>(value: T, transfer: readonly unknown[]) => T
}

/** Both ends of a channel, each with its own methods. */
function pair(
  ours: object,
  theirs: object,
): { readonly here: Calls; readonly there: Calls; readonly close: () => void } {
  const { port1, port2 } = new MessageChannel()
  const ends = { here: connect(port1, theirs), there: connect(port2, ours) }
  port1.start()
  port2.start()
  return { ...ends, close: () => port1.close() }
}

test('calls go both ways, and each answer finds its call', async () => {
  const slowly = async (a: number, b: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, 20 - a))
    return a + b
  }
  const { here, there, close } = pair({ add: slowly }, { add: (a: number, b: number) => a * b })
  const sums = Array.from({ length: 10 }, (_, i) => here.add(i, 1))
  expect(await there.add(6, 7)).toBe(42)
  expect(await Promise.all(sums)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1))
  close()
})

test('errors keep code, details and causes', async () => {
  const cause = new AfieldError('chunk/unavailable', 'gone', { details: { file: 'a' } })
  const fail = (): never => {
    throw new AfieldError('model/not-found', 'no model', { cause })
  }
  const { here, close } = pair({ fail }, {})
  await expect(here.fail()).rejects.toMatchObject({
    code: 'model/not-found',
    cause: { code: 'chunk/unavailable', details: { file: 'a' } },
  })
  await expect(here.fail()).rejects.toBeInstanceOf(AfieldError)
  await expect(here.missing()).rejects.toMatchObject({ code: 'internal/unexpected' })
  close()
})

test('what cannot be sent rejects, and the next call is answered', async () => {
  const { here, close } = pair({ nothing: () => () => 1, add: (a: number, b: number) => a + b }, {})
  await expect(here.nothing()).rejects.toMatchObject({ code: 'internal/unexpected' })
  await expect(here.add((() => 1) as never, 2)).rejects.toThrow('could not be cloned')
  expect(await here.add(1, 2)).toBe(3)
  close()
})

test('a port moves with the value that it is in', async () => {
  const { port1, port2 } = new MessageChannel()
  const { here, close } = pair({ port: () => transferring({ port: port1 }, [port1]) }, {})
  const { port } = await here.port()
  const said = new Promise((resolve) => (port2.onmessage = ({ data }) => resolve(data)))
  port.postMessage('hello')
  expect(await said).toBe('hello')
  port2.close()
  close()
})

test('the other end is no promise', async () => {
  const { here, close } = pair({}, {})
  const kept = await Promise.resolve(here)
  expect(kept).toBe(here)
  close()
})
