import { createAfield } from 'afield'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SERVED, TERMS } from './support/engines.js'

interface Message {
  readonly type?: string
  readonly answer?: number
  readonly value?: unknown
}

/** A worker that calls the page as a test has it do, and tells of itself when it is asked to, as an engine does. */
class FakeWorker extends EventTarget {
  isTerminated = false
  readonly name: string
  readonly #waiting: ((value: unknown) => void)[] = []

  constructor(_url: URL, { name }: { readonly name: string }) {
    super()
    this.name = name
    workers.push(this)
  }

  postMessage({ type, answer, value }: Message): void {
    if (type === 'report') this.#say({ type, report: { heapBytes: 0 } })
    if (answer !== undefined) this.#waiting[answer]?.(value)
  }

  call(method: string, ...given: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve) => this.#say({ call: this.#waiting.push(resolve) - 1, method, given }))
  }

  terminate(): void {
    this.isTerminated = true
  }

  #say(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
}

let workers: FakeWorker[]

function alive(name: string): readonly FakeWorker[] {
  return workers.filter((worker) => worker.name === name && !worker.isTerminated)
}

async function started(name: string): Promise<FakeWorker> {
  return vi.waitFor(() => {
    const [worker] = alive(name)
    if (worker) return worker
    throw new Error(`No ${name} was started`)
  })
}

beforeEach(() => {
  workers = []
  vi.stubGlobal('Worker', FakeWorker)
  vi.stubGlobal('document', new EventTarget())
  vi.stubGlobal('location', { href: 'https://app.example/', origin: 'null' })
  vi.stubGlobal('navigator', { userAgent: '' })
  vi.stubGlobal('addEventListener', () => undefined)
})

afterEach(() => {
  vi.unstubAllGlobals()
})

test('a model that is loaded once more while its engine is proved leaves no engine that nobody needs', async () => {
  const afield = createAfield({ repository: 'https://models.example/', root: {} })
  const first = afield.load('m')
  const keeper = await started('afield keeper')
  const wanted = { role: 'serving', runtime: 'plain', modelBytes: 0 }
  const { id } = (await keeper.call('openEngine', wanted)) as { readonly id: number }
  const second = afield.load('m')
  await keeper.call('serve', 'm', id, SERVED, TERMS)
  expect(await first).toMatchObject({ version: '1.0.0' })
  expect(await second).toMatchObject({ version: '1.0.0' })
  await expect.poll(() => alive('afield engine')).toHaveLength(1)
})
