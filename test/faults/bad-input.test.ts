import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import type { Fault } from '../servers/faults.js'
import {
  check,
  explain,
  flush,
  loadModel,
  predict,
  predictMany,
  refusal,
  telemetry,
  telemetryTo,
} from '../e2e/support/device.js'
import { startWorld, type World } from '../e2e/support/world.js'

let world: World
let browser: Browser
let page: Page
let visits = 0

beforeAll(async () => {
  world = await startWorld()
  browser = await launchChromium()
}, 60_000)

afterEach(async () => {
  world.server.clearFaults()
  await page.close()
})

afterAll(async () => {
  await browser?.close()
  await world?.close()
})

/** A device whose HTTP cache is empty too. */
async function newBrowser(): Promise<{ readonly namespace: string }> {
  await browser.close()
  browser = await launchChromium()
  return newDevice()
}

/** A device that was never here before. */
async function newDevice(): Promise<{ readonly namespace: string }> {
  page = await browser.open(world.url)
  return { namespace: `visit-${++visits}` }
}

/** Loads the model; returns the version that serves, or the code and message of the refusal. */
async function tryToLoad(
  namespace: string,
): Promise<{ version?: string | undefined; code?: string; message?: string }> {
  return page.evaluate(
    async ({ repository, root, name }) => {
      try {
        globalThis.afield = createAfield({ repository, root, namespace: name })
        globalThis.model = await afield.load('learner-risk')
        return { version: model.version }
      } catch (error) {
        if (!(error instanceof AfieldError)) throw error
        return { code: error.code, message: error.message }
      }
    },
    { repository: `${world.server.url}/repo/`, root: world.root, name: namespace },
  )
}

describe('a record that does not fit the contract names its field, and the next one is answered', () => {
  const bad: readonly (readonly [string, object, string | undefined])[] = [
    ['missing', { quiz_score: 50 }, 'hours_studied'],
    ['mistyped', { hours_studied: '4', quiz_score: 50 }, 'hours_studied'],
    ['out of range', { hours_studied: 4, quiz_score: 101 }, 'quiz_score'],
    ['unknown', { hours_studied: 4, quiz_score: 50, shoe_size: 43 }, undefined],
    ['not a number', { hours_studied: 4, quiz_score: null }, 'quiz_score'],
  ]
  test.each(bad)('%s', async (_what, record, field) => {
    const device = await newDevice()
    await loadModel(page, world, device)
    const refused = await refusal(page, record)
    expect(refused.code).toBe('input/invalid')
    expect(refused.field).toBe(field)
    expect(refused.message).not.toMatch(/43|101/)
    expect((await predict(page)).modelVersion).toBe('1.0.0')
  })
})

describe('a download that is not what was signed is never used, and the next try gets it', () => {
  const faults: readonly (readonly [string, string, Fault, string])[] = [
    ['a truncated chunk', '/repo/chunks/**', { kind: 'truncate' }, 'chunk/size-mismatch'],
    ['a flipped bit in a chunk', '/repo/chunks/**', { kind: 'corrupt' }, 'chunk/hash-mismatch'],
    ['a page instead of a chunk', '/repo/chunks/**', { kind: 'html' }, 'chunk/size-mismatch'],
    ['a chunk that is too long', '/repo/chunks/**', { kind: 'oversize' }, 'chunk/size-mismatch'],
    ['a chunk that breaks off', '/repo/chunks/**', { kind: 'cut' }, 'chunk/unavailable'],
    ['a flipped bit in a descriptor', '/repo/descriptors/**', { kind: 'corrupt' }, 'chunk/hash-mismatch'],
    [
      'a page instead of the timestamp',
      '/repo/metadata/timestamp.json',
      { kind: 'html' },
      'manifest/invalid',
    ],
    [
      'a flipped bit in the snapshot',
      '/repo/metadata/*.snapshot.json',
      { kind: 'corrupt' },
      'manifest/hash-mismatch',
    ],
    [
      'a missing model index',
      '/repo/targets/models/**',
      { kind: 'status', status: 404 },
      'manifest/unavailable',
    ],
    ['a host that fails', '/repo/**', { kind: 'status', status: 500 }, 'manifest/unavailable'],
  ]
  test.each(faults)('%s', async (_what, path, fault, code) => {
    const { namespace } = await newBrowser()
    world.server.fault(path, fault)
    const refused = await tryToLoad(namespace)
    expect(refused.code).toBe(code)
    expect(refused.message?.length).toBeGreaterThan(40)
    world.server.clearFaults()
    expect(await tryToLoad(namespace)).toEqual({ version: '1.0.0' })
  })
})

test('on a device that serves, a broken check changes nothing and shows in explain()', async () => {
  const device = await newDevice()
  await loadModel(page, world, device)
  world.server.fault('/repo/metadata/timestamp.json', { kind: 'html' })
  expect(await check(page)).toBe('manifest/invalid')
  expect((await predict(page)).modelVersion).toBe('1.0.0')
  expect(await explain(page)).toMatchObject({ version: '1.0.0', lastCheck: { error: 'manifest/invalid' } })
  world.server.clearFaults()
  expect(await check(page)).toBe('checked')
})

test.each([
  ['script', '/app/assets/engine*', { kind: 'status', status: 404 }, 'engine/crashed'],
  ['runtime', '/app/assets/*.wasm', { kind: 'html' }, 'engine/runtime-unavailable'],
] as const)(
  'an engine whose %s cannot be loaded says so, and the next load works',
  async (_what, path, fault, code) => {
    const { namespace } = await newBrowser()
    world.server.fault(path, fault)
    expect(await tryToLoad(namespace)).toMatchObject({ code })
    world.server.clearFaults()
    expect(await tryToLoad(namespace)).toEqual({ version: '1.0.0' })
  },
)

test('a collector that is off costs nothing: batches wait on the device and arrive later, once', async () => {
  const device = { ...(await newDevice()), ...telemetryTo(world) }
  await loadModel(page, world, {
    ...device,
    telemetry: { ...required(device.telemetry), endpoint: world.server.url },
  })
  world.server.fault('/', { kind: 'refuse' })
  await predictMany(page, 12)
  await flush(page)
  const waiting = await telemetry(page)
  expect(waiting).toMatchObject({ state: 'on', sent: 0 })
  expect(waiting.pending.length).toBeGreaterThan(0)
  await page.reload()
  await loadModel(page, world, device)
  await flush(page)
  expect(await telemetry(page)).toMatchObject({ pending: [], drops: {} })
  const { versions } = await world.collector.versions()
  expect(versions).toMatchObject([{ version: '1.0.0', served: 12 }])
})

test('a tab that dies loses nothing that was handed over', async () => {
  const device = { ...(await newDevice()), ...telemetryTo(world) }
  await loadModel(page, world, device)
  await predictMany(page, 50)
  await expect.poll(async () => countOf((await telemetry(page)).open)).toBe(50)
  await page.kill()
  page = await browser.open(world.url)
  await loadModel(page, world, device)
  expect(countOf((await telemetry(page)).open)).toBe(50)
})

test('a browser that refuses all storage still loads and predicts, and says so', async () => {
  const profileDir = await mkdtemp(join(tmpdir(), 'afield-no-storage-'))
  await mkdir(join(profileDir, 'Default'))
  const blockEverything = { profile: { default_content_setting_values: { cookies: 2 } } }
  await writeFile(join(profileDir, 'Default', 'Preferences'), JSON.stringify(blockEverything))
  const strict = await launchChromium({ profileDir })
  try {
    page = await strict.open(world.url)
    const refused = await page.evaluate(
      () =>
        new Promise((resolve) => {
          try {
            const request = indexedDB.open('probe')
            request.onsuccess = () => resolve('allowed')
            request.onerror = () => resolve(String(request.error))
          } catch (error) {
            resolve(String(error))
          }
        }),
    )
    expect(refused).toMatch(/SecurityError|denied/)
    expect(await loadModel(page, world)).toBe('1.0.0')
    expect((await predict(page)).modelVersion).toBe('1.0.0')
    expect(await explain(page)).toMatchObject({ storage: 'memory' })
  } finally {
    await strict.close()
    await rm(profileDir, { recursive: true, force: true })
    page = await browser.open()
  }
})

function countOf(cells: readonly { readonly ops: { readonly count: number } }[]): number {
  return cells.reduce((sum, { ops }) => sum + ops.count, 0)
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the option is there')
  return value
}
