import { errorFromData, errorToData, type AfieldError, type ErrorData } from '@afield/protocol'

/** What crosses between the page and the keeper: calls in both directions, each answered by its number. */
type Message =
  | { readonly call: number; readonly method: string; readonly given: readonly unknown[] }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: ErrorData }

/** One end: a worker as its page sees it, or the worker's own scope. */
export interface RemoteEnd {
  postMessage(message: Message, transfer: Transferable[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent<Message>) => void): void
}

/** What the other end offers: whatever it returns is a promise here, and its errors keep their codes. */
export type Remote<T> = {
  readonly [M in keyof T]: T[M] extends (...given: infer G) => infer R
    ? (...given: G) => Promise<Awaited<R>>
    : never
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: AfieldError) => void
}

const transfers = new WeakMap<object, Transferable[]>()

/** Marks what moves to the other end with a value that a method is given or returns. */
export function transferring<T extends object>(value: T, transfer: Transferable[]): T {
  transfers.set(value, transfer)
  return value
}

function transfersOf(value: unknown): Transferable[] {
  return (typeof value === 'object' && value ? transfers.get(value) : undefined) ?? []
}

/**
 * Joins two ends. All that the app holds of the keeper goes through here, so it is of a few lines: a library for it is as
 * large as a quarter of what an app loads first.
 *
 * @param own what the other end may call.
 */
export function connect<Theirs extends object>(end: RemoteEnd, own: object): Remote<Theirs> {
  const methods = own as Readonly<Record<string, (...given: readonly unknown[]) => unknown>>
  const waiting = new Map<number, Waiting>()
  let last = 0
  const answer = async ({ call, method, given }: Extract<Message, { call: number }>): Promise<void> => {
    try {
      const work = methods[method]
      if (!work) throw new Error(`There is no call "${method}"; two versions of Afield are mixed.`)
      const value = await work(...given)
      end.postMessage({ answer: call, value }, transfersOf(value))
    } catch (error) {
      end.postMessage({ answer: call, error: errorToData(error) }, [])
    }
  }
  end.addEventListener('message', ({ data }) => {
    if ('call' in data) return void answer(data)
    const asked = waiting.get(data.answer)
    waiting.delete(data.answer)
    if ('error' in data) asked?.reject(errorFromData(data.error))
    else asked?.resolve(data.value)
  })
  const call = (method: string, given: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      end.postMessage({ call: ++last, method, given }, given.flatMap(transfersOf))
      waiting.set(last, { resolve, reject })
    })
  return new Proxy(Object.freeze({}), {
    // It is no promise, also where somebody returns it from an async function.
    get: (_, method) =>
      method === 'then' || typeof method === 'symbol'
        ? undefined
        : (...given: readonly unknown[]) => call(method, given),
  }) as Remote<Theirs>
}
