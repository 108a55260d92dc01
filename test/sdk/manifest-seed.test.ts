import { memoryStorage, type KeyValueStore } from 'afield/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startHost, type FileHost } from '../conformance/support/clients.js'
import { DAY } from './support/clock.js'
import { indexBytes, makeManifestWorld, versionsOf, type ManifestWorld } from './support/manifests.js'

let world: ManifestWorld
let app: FileHost
let state: KeyValueStore

beforeEach(async () => {
  world = await makeManifestWorld(['shipped', 'other'])
  // The app ships the metadata and one model of the two.
  const seed = [...world.host.files].filter(([path]) => !path.endsWith('.other.json'))
  app = await startHost(new Map(seed))
  state = memoryStorage().state
})

afterEach(async () => {
  await world.host.close()
  await app.close()
})

const adopt = () => world.client(state).adoptSeed(app.url, ['shipped'])

describe('a seed', () => {
  test('is taken on a first visit, with the repository never asked, however old it is', async () => {
    world.clock.advance(1000 * DAY)
    const manifest = await adopt()
    expect(versionsOf(manifest)).toEqual({ shipped: ['1.0.0'] })
    expect(manifest?.expiresAt).toBeLessThan(world.clock.now())
    expect(versionsOf(await world.client(state).restore())).toEqual({ shipped: ['1.0.0'] })
    expect(world.host.requests).toEqual([])
  })

  test('gives way to what the repository says later', async () => {
    await adopt()
    const versions = ['1.0.0', '2.0.0']
    await world.publish(({ documents }) =>
      documents.set('models/shipped.json', indexBytes('shipped', versions)),
    )
    expect(versionsOf(await world.client(state).check(['shipped']))).toEqual({ shipped: versions })
  })

  test('that is older than what is stored never wins', async () => {
    await world.publish(({ documents }) =>
      documents.set('models/shipped.json', indexBytes('shipped', ['1.0.0', '2.0.0'])),
    )
    await world.client(state).check(['shipped'])
    expect(await adopt()).toBeUndefined()
    expect(versionsOf(await world.client(state).restore())).toEqual({ shipped: ['1.0.0', '2.0.0'] })
  })

  test('that is newer leaves the models alone that it does not hold', async () => {
    await world.client(state).check(['other'])
    await world.publish(({ documents }) =>
      documents.set('models/other.json', indexBytes('other', ['1.0.0', '2.0.0'])),
    )
    app.files = new Map([...world.host.files].filter(([path]) => !path.endsWith('.other.json')))
    const models = { shipped: ['1.0.0'], other: ['1.0.0'] }
    expect(versionsOf(await adopt())).toEqual(models)
    expect(versionsOf(await world.client(state).restore())).toEqual(models)
  })

  test('does not count as an answer of the repository', async () => {
    const manifest = await adopt()
    expect(manifest?.checkedAt).toBe(0)
    await world.client(state).check(['shipped'])
    expect(world.host.requests).toContain('metadata/2.root.json')
  })

  test.each([
    ['is damaged', (path: string) => path.endsWith('timestamp.json')],
    ['lacks its model', (path: string) => path.endsWith('.shipped.json')],
  ])('that %s is not taken, and the log says so', async (_, hit) => {
    for (const path of app.files.keys()) if (hit(path)) app.files.delete(path)
    const warnings: string[] = []
    const client = world.client(state, { log: (level, message) => void warnings.push(`${level} ${message}`) })
    expect(await client.adoptSeed(app.url, ['shipped'])).toBeUndefined()
    expect(warnings).toContain('warn The seed that the app ships could not be used.')
    expect(await client.restore()).toBeUndefined()
  })

  test('of another repository is not taken', async () => {
    const stranger = await makeManifestWorld(['shipped'])
    expect(await world.client(state).adoptSeed(stranger.host.url, ['shipped'])).toBeUndefined()
    await stranger.host.close()
  })

  test('is given up when the caller aborts', async () => {
    const signal = AbortSignal.abort()
    await expect(world.client(state).adoptSeed(app.url, ['shipped'], signal)).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
