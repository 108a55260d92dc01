import { AfieldError, errorToData, type ErrorCode } from '@afield/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RemoteFallback } from '../../packages/sdk/dist/router/fallback/remote.js'

/** What the server's worker says of each question: what it fails with, or nothing where it is answered. */
type Says = (input: unknown) => ErrorCode | undefined

let says: Says
let asked: unknown[]

class FakeWorker extends EventTarget {
  postMessage({ call, method, given }: { call: number; method: string; given: readonly unknown[] }): void {
    const questions = method === 'ask' ? (given[0] as readonly { readonly input: unknown }[]) : []
    asked.push(...questions.map(({ input }) => input))
    const settled = questions.map(({ input }) => {
      const code = says(input)
      return code ? { error: errorToData(new AfieldError(code, 'On purpose.')) } : { outputs: { risk: 0.5 } }
    })
    const data = { answer: call, value: { settled, version: '7' } }
    setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data })))
  }
  terminate(): void {}
}

beforeEach(() => {
  asked = []
  vi.stubGlobal('Worker', FakeWorker)
  vi.stubGlobal('location', { href: 'https://app.example/', origin: 'null' })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

function makeServer(): RemoteFallback {
  const contract = () => Promise.resolve({} as never)
  return new RemoteFallback({ url: 'https://models.example', name: 'm', contract })
}

const BAD = { input: 'bad' }
const GOOD = { input: 'good' }

test('a server that answers nobody is left alone, whatever bad inputs are among what it was asked', async () => {
  says = (input) => (input === 'bad' ? 'input/invalid' : 'remote/unavailable')
  const server = makeServer()
  for (let i = 0; i < 5; i++) {
    expect((await server.ask([BAD], undefined)).settled).toMatchObject([{ code: 'input/invalid' }])
    await expect(server.ask([BAD, GOOD], undefined)).rejects.toMatchObject({ code: 'remote/unavailable' })
  }
  expect(server.breaker.state).toBe('open')
  server.breaker.halfOpen()
  expect((await server.ask([BAD], undefined)).settled).toMatchObject([{ code: 'input/invalid' }])
  expect(server.breaker.state).toBe('half-open')
  says = () => undefined
  await server.ask([GOOD], undefined)
  expect(server.breaker.state).toBe('closed')
  server.retire()
})

test('a picture that cannot be read fails alone, and the server hears of the others', async () => {
  says = () => undefined
  const server = makeServer()
  const broken = { [Symbol.toStringTag]: 'HTMLCanvasElement', width: 0, height: 0 }
  const { settled, modelVersion } = await server.ask([GOOD, { input: broken }, GOOD], undefined)
  expect(settled).toMatchObject([
    { outputs: { risk: 0.5 } },
    { code: 'input/invalid' },
    { outputs: { risk: 0.5 } },
  ])
  expect(modelVersion).toBe('7')
  expect(asked).toEqual(['good', 'good'])
  expect((await server.ask([{ input: broken }], undefined)).settled).toMatchObject([
    { code: 'input/invalid' },
  ])
  expect(asked).toHaveLength(2)
  server.retire()
})
