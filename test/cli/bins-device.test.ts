import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, initRepository, rotate, serveRepository, type InitOptions } from '@afield/cli'
import { createDevice } from 'afield/node'
import { expect, test } from 'vitest'
import { MODEL, publishExample } from '../support/learner-risk.js'
import { temporaryFolder } from './workspace.js'

const DAY_MS = 86_400_000

const layouts: readonly [string, InitOptions, string][] = [
  ['bins', { bins: 16 }, 'ops'],
  ['bins with a key of both kinds for each role', { bins: 2, roles: 'separate', ecdsa: true }, 'targets'],
]
test.each(layouts)('%s: a device loads from them, and follows a rotation', async (_, options, owner) => {
  const repo = join(await temporaryFolder(), 'repo')
  await initRepository({ repo }, options)
  await publishExample(repo, '1.0.0')
  const server = await serveRepository(repo, { port: 0 })
  const root = await readFile(join(repo, 'metadata', '1.root.json'), 'utf8')
  let now = Date.now()
  const clock = { now: () => now, after: () => () => undefined }
  const device = createDevice({ repository: server.url, root, clock })
  try {
    expect(await device.load(MODEL)).toMatchObject({ version: '1.0.0' })
    await publishExample(repo, '2.0.0')
    await rotate({ repo, owner })
    await changeRollout({ repo }, MODEL, { kind: 'start', stable: '2.0.0' })
    now += DAY_MS
    await device.check()
    const answer = await device.predict(MODEL, { hours_studied: 4, quiz_score: 61 })
    expect(answer).toMatchObject({ modelVersion: '2.0.0' })
  } finally {
    await device.close()
    await server.close()
  }
})
