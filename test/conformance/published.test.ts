import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changeRollout, initRepository, publish } from '@afield/cli'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startServer, type StaticServer } from '../servers/static.js'
import { afield, tufJs, type Client } from './support/clients.js'

const MODEL = 'learner-risk'
const WANTED = [`models/${MODEL}.json`, `rollouts/${MODEL}.json`] as const

let dir: string
let server: StaticServer
let clients: readonly Client[]
const model = (version: string): string =>
  new URL(`../../examples/learner-risk/models/learner-risk-${version}.onnx`, import.meta.url).pathname
const location = () => ({ repo: join(dir, 'repository') })

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'afield-conformance-'))
  const { root } = await initRepository(location())
  server = await startServer({ mounts: { '/': location().repo } })
  const bytes = new Uint8Array(await readFile(root))
  clients = [await tufJs(`${server.url}/`, bytes), afield(`${server.url}/`, bytes)]
})

afterEach(async () => {
  for (const client of clients) await client.close()
  await server.close()
  await rm(dir, { recursive: true, force: true })
})

/** How many targets each client downloads. */
const update = (...paths: readonly string[]) => Promise.all(clients.map((client) => client.update(...paths)))

test('whatever the command line writes, tuf-js and ours follow and download', async () => {
  expect(await update()).toEqual([0, 0])
  await publish({ ...location(), model: model('1.0.0'), version: '1.0.0', author: 'Tests' })
  expect(await update(WANTED[0])).toEqual([1, 1])
  await changeRollout({ ...location(), author: 'Tests' }, MODEL, { kind: 'start', stable: '1.0.0' })
  expect(await update(...WANTED)).toEqual([2, 2])
  await publish({ ...location(), model: model('2.0.0'), version: '2.0.0', author: 'Tests' })
  await changeRollout({ ...location(), author: 'Tests' }, MODEL, { kind: 'start', candidate: '2.0.0' })
  expect(await update(...WANTED)).toEqual([2, 2])
})

test('both refuse it once a document was changed on the host', async () => {
  await publish({ ...location(), model: model('1.0.0'), version: '1.0.0', author: 'Tests' })
  server.fault('/targets/**', { kind: 'corrupt' })
  for (const client of clients) await expect(client.update(WANTED[0])).rejects.toBeInstanceOf(Error)
})
