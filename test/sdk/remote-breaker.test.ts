import { errorToData, AfieldError, type ErrorCode } from '@afield/protocol'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RemoteFallback } from '../../packages/sdk/dist/router/fallback/remote.js'

const BAD = { input: 'bad' }
const GOOD = { input: 'good' }

let isDown: boolean
let server: RemoteFallback

const failed = (code: ErrorCode) => ({ error: errorToData(new AfieldError(code, 'No.')) })

/** A worker that refuses bad inputs itself, and whose server answers the others, or is down. */
class AnsweringWorker extends EventTarget {
  postMessage({ call, method, given }: { call: number; method?: string; given?: unknown[] }): void {
    const [questions] = (given ?? []) as [readonly { readonly input: unknown }[]]
    const answer = ({ input }: { readonly input: unknown }): object => {
      if (input === BAD.input) return failed('input/invalid')
      return isDown ? failed('remote/unavailable') : { outputs: { y: 1 } }
    }
    const value = method === 'ask' ? { settled: questions.map(answer), version: '7' } : undefined
    const data = { answer: call, value }
    setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data })))
  }
  terminate(): void {}
}

beforeEach(() => {
  vi.stubGlobal('Worker', AnsweringWorker)
  vi.stubGlobal('location', { href: 'https://app.example/', origin: 'null' })
  isDown = true
  server = new RemoteFallback({
    url: 'https://models.example',
    name: 'm',
    contract: () => Promise.resolve({} as never),
  })
})

afterEach(() => {
  server.retire()
  vi.unstubAllGlobals()
})

test('a server that is down answers nothing, also where an input among others is at fault itself', async () => {
  for (let i = 0; i < 5; i++) {
    expect(server.breaker.state).toBe('closed')
    await expect(server.ask([BAD, GOOD], undefined)).rejects.toMatchObject({ code: 'remote/unavailable' })
  }
  expect(server.breaker.state).toBe('open')
})

test('an input that is at fault itself says nothing of a server that fails', async () => {
  for (let i = 0; i < 4; i++) await expect(server.ask([GOOD], undefined)).rejects.toBeDefined()
  expect(await server.ask([BAD], undefined)).toMatchObject({ settled: [{ code: 'input/invalid' }] })
  await expect(server.ask([GOOD], undefined)).rejects.toMatchObject({ code: 'remote/unavailable' })
  expect(server.breaker.state).toBe('open')
})

test('a server that answers one of many works', async () => {
  for (let i = 0; i < 4; i++) await expect(server.ask([GOOD], undefined)).rejects.toBeDefined()
  isDown = false
  const { settled } = await server.ask([BAD, GOOD], undefined)
  expect(settled).toMatchObject([{ code: 'input/invalid' }, { outputs: { y: 1 } }])
  isDown = true
  await expect(server.ask([GOOD], undefined)).rejects.toBeDefined()
  expect(server.breaker.state).toBe('closed')
})
