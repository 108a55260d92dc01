import { createAfield, type Afield, type AfieldEvents, type LoadOptions } from 'afield'
import { expect, test } from 'vitest'
import { checkNamed, checkOptions } from '../../packages/sdk/dist/router/check-given.js'

/** Calls as somebody makes them whom no compiler warns. What passes the checks meets a place that is no page. */
interface Loose {
  load(name: unknown, options?: unknown): Promise<unknown>
  check(options?: unknown): Promise<unknown>
  explain(name: unknown): Promise<unknown>
  versions(name: unknown): Promise<unknown>
  remove(name: unknown, options?: unknown): Promise<unknown>
  on(type: unknown, listener?: unknown): () => void
}

const make = (): Loose & Afield => createAfield({ repository: 'https://example.com/', root: {} })

const refused = (field: string, allowed: RegExp) => ({
  code: 'input/invalid',
  details: expect.objectContaining({ field }) as object,
  message: expect.stringMatching(allowed) as string,
})

/** What is no object with options. */
const NO_OPTIONS: readonly unknown[] = [null, 5, 'fast', true, () => ({})]
/** What is no signal. */
const NO_SIGNALS: readonly unknown[] = [new AbortController(), {}, 0, '', 'now', true]

test('load() refuses what is no signal, no options, no name, no version and no listener, and says which', async () => {
  const load = (options: unknown) => make().load('learner-risk', options)
  for (const signal of NO_SIGNALS) {
    await expect(load({ signal })).rejects.toMatchObject(refused('signal', /takes an AbortSignal/))
  }
  for (const options of NO_OPTIONS) {
    await expect(load(options)).rejects.toMatchObject(refused('options', /takes an object, or nothing/))
  }
  for (const onProgress of [0, Number.NaN, '', 'log', {}, 5]) {
    await expect(load({ onProgress })).rejects.toMatchObject(refused('onProgress', /takes a function/))
  }
  for (const version of [null, 1, () => '1.0.0', {}]) {
    await expect(load({ version })).rejects.toMatchObject(
      refused('version', /takes a version such as "1.0.0"/),
    )
  }
  for (const name of [undefined, null, 5, () => 'learner-risk', {}]) {
    await expect(make().load(name)).rejects.toMatchObject(refused('name', /takes the name of a model/))
  }
})

test('check() refuses what is no signal and no options', async () => {
  for (const signal of NO_SIGNALS) {
    await expect(make().check({ signal })).rejects.toMatchObject(refused('signal', /takes an AbortSignal/))
  }
  for (const options of NO_OPTIONS) {
    await expect(make().check(options)).rejects.toMatchObject(refused('options', /takes an object/))
  }
})

test.each(['explain', 'versions', 'remove'] as const)('%s() refuses what is no name', async (call) => {
  for (const name of [undefined, null, 5, () => 'learner-risk', {}]) {
    await expect(make()[call](name)).rejects.toMatchObject(refused('name', /takes the name of a model/))
  }
})

test('remove() refuses what is no version and no options', async () => {
  for (const version of [null, 1, () => '1.0.0', {}]) {
    await expect(make().remove('learner-risk', { version })).rejects.toMatchObject(
      refused('version', /takes a version such as "1.0.0"/),
    )
  }
  for (const options of NO_OPTIONS) {
    await expect(make().remove('learner-risk', options)).rejects.toMatchObject(
      refused('options', /takes an object/),
    )
  }
})

test('what may be given passes', async () => {
  const given: readonly LoadOptions[] = [
    {},
    { version: 'latest' },
    { onProgress: () => undefined },
    { signal: AbortSignal.timeout(1000), version: '1.0.0' },
    Object.assign(Object.create(null) as object, { version: '1.0.0' }),
    { signal: null, onProgress: null } as never,
  ]
  for (const options of given) {
    await expect(make().load('learner-risk', options)).rejects.toMatchObject({ code: 'platform/unsupported' })
    expect(() => checkNamed('learner-risk', options)).not.toThrow()
  }
  expect(() => checkOptions(undefined)).not.toThrow()
})

test('on() takes the events that there are, and functions', () => {
  const events: Record<keyof AfieldEvents, true> = {
    progress: true,
    update: true,
    rejected: true,
    refused: true,
    backend: true,
    checked: true,
    slo: true,
  }
  const afield = make()
  for (const type of Object.keys(events)) {
    expect(afield.on(type, () => undefined)).toBeTypeOf('function')
    expect(() => afield.on(type)).toThrow(expect.objectContaining(refused('listener', /takes a function/)))
  }
  for (const type of ['typo', '', undefined, () => 'slo', 'toString']) {
    expect(() => afield.on(type, () => undefined)).toThrow(
      expect.objectContaining(
        refused('type', /takes backend, checked, progress, refused, rejected, slo, update/),
      ),
    )
  }
})
