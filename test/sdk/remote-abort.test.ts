import { afterEach, expect, test, vi } from 'vitest'
import { RemoteFallback } from '../../packages/sdk/dist/router/fallback/remote.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('what was given up before the server could be asked is not sent', async () => {
  const asked: string[] = []
  class SilentWorker extends EventTarget {
    postMessage({ call, method = '' }: { readonly call: number; readonly method?: string }): void {
      asked.push(method)
      const data = { answer: call, value: undefined }
      if (method === 'open') setTimeout(() => this.dispatchEvent(new MessageEvent('message', { data })))
    }
    terminate(): void {}
  }
  vi.stubGlobal('Worker', SilentWorker)
  vi.stubGlobal('location', { href: 'https://app.example/', origin: 'null' })
  let known = (_contract: never): void => undefined
  const contract = () => new Promise<never>((resolve) => (known = resolve))
  const server = new RemoteFallback({ url: 'https://models.example', name: 'm', contract })
  const giving = new AbortController()
  const given = server.ask([{ input: 1 }], giving.signal)
  await new Promise((resolve) => setTimeout(resolve, 5))
  giving.abort()
  await expect(given).rejects.toMatchObject({ code: 'aborted' })
  known({} as never)
  await expect.poll(() => asked).toContain('open')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(asked).not.toContain('ask')
  server.retire()
})
