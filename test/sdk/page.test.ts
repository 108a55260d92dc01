import { createAfield } from 'afield'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SERVED, TERMS } from './support/engines.js'

interface Message {
  readonly type?: string
  readonly call?: number
  readonly method?: string
  readonly answer?: number
  readonly value?: unknown
}

/** A worker that calls the page as a test has it do, and tells of itself when it is asked to, as an engine does. */
class FakeWorker extends EventTarget {
  isTerminated = false
  readonly name: string
  /** What the page asked, by its numbers. */
  readonly asked: string[] = []
  readonly #waiting: ((value: unknown) => void)[] = []

  constructor(_url: URL, { name }: { readonly name: string }) {
    super()
    this.name = name
    workers.push(this)
  }

  postMessage({ type, call, method = '', answer, value }: Message): void {
    if (type === 'report') this.#say({ type, report: { heapBytes: 0 } })
    if (call !== undefined) this.asked[call] = method
    if (answer !== undefined) this.#waiting[answer]?.(value)
  }

  call(method: string, ...given: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve) => this.#say({ call: this.#waiting.push(resolve) - 1, method, given }))
  }

  /** Answers what the page asked by this method until now. */
  answer(method: string): void {
    for (const [call, asked] of this.asked.entries()) if (asked === method) this.#say({ answer: call })
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

test('a page that is out of view again keeps the mark that it left, though counts of before are durable by then', async () => {
  vi.stubGlobal('localStorage', {
    setItem(key: string, value: string) {
      Object.assign(this, { [key]: value })
    },
    removeItem(key: string) {
      Reflect.deleteProperty(this, key)
    },
  })
  const turn = (visibilityState: string): void => {
    Object.assign(document, { visibilityState }).dispatchEvent(new Event('visibilitychange'))
  }
  const marks = (): readonly string[] => Object.keys(localStorage).filter((key) => key.includes('-mark-'))
  const telemetry = { endpoint: '/batches', key: 'k', basis: 'consent' } as const
  const afield = createAfield({ repository: 'https://models.example/', root: {}, telemetry })
  void afield.load('m')
  const keeper = await started('afield keeper')
  await keeper.call('count', SERVED, 'staged')
  turn('hidden')
  await expect.poll(() => keeper.asked).toContain('observe')
  turn('visible')
  turn('hidden')
  keeper.answer('observe')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(marks()).toHaveLength(1)
  turn('visible')
  await expect.poll(marks).toHaveLength(0)
})
