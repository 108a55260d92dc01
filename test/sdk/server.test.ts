import { afterEach, expect, test } from 'vitest'
import { AfieldError, createAfield } from 'afield'

/** What a browser has and this server lacks. Whoever looks is noted, and finds nothing. */
const BROWSER_GLOBALS = [
  'addEventListener',
  'crypto',
  'document',
  'indexedDB',
  'localStorage',
  'location',
  'navigator',
  'window',
  'Worker',
] as const

const restore: (() => void)[] = []

afterEach(() => restore.splice(0).forEach((undo) => undo()))

function watchGlobals(): readonly string[] {
  const touched: string[] = []
  for (const name of BROWSER_GLOBALS) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get: () => void touched.push(name),
    })
    restore.push(() => {
      if (before) Object.defineProperty(globalThis, name, before)
      else delete (globalThis as Record<string, unknown>)[name]
    })
  }
  return touched
}

test('an app may create Afield while it renders on a server: nothing of a browser is touched', async () => {
  const touched = watchGlobals()
  const afield = createAfield({ repository: '/models/', root: {}, telemetry: telemetry() })
  const stop = afield.on('update', () => undefined)
  await new Promise((resolve) => setTimeout(resolve, 10))
  stop()
  expect(touched).toEqual([])
})

test('what needs a browser says so on a server', async () => {
  const afield = createAfield({ repository: '/models/', root: {} })
  const asked = [
    () => afield.load('learner-risk'),
    () => afield.check(),
    () => afield.explain('learner-risk'),
    () => afield.storage(),
    () => afield.persist(),
    () => afield.remove('learner-risk'),
    () => afield.telemetry(),
    () => afield.flush(),
  ]
  for (const ask of asked) {
    const error: unknown = await ask().catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(AfieldError)
    expect(error).toMatchObject({ code: 'platform/unsupported' })
    expect(String(error)).toContain('in a browser')
  }
})

test('on a server it closes like anywhere', async () => {
  const afield = createAfield({ repository: '/models/', root: {} })
  await afield.close()
  await expect(afield.load('learner-risk')).rejects.toMatchObject({ code: 'closed' })
})

function telemetry() {
  return { endpoint: '/v1/batches', key: 'app', basis: 'consent' } as const
}
