import { createDevice, memoryStorage } from 'afield/node'
import { expect, test } from 'vitest'
import { MODEL, makeRepository } from './support/repository.js'
test('x', async () => {
  const t0 = Date.now()
  const log = (m: string) => console.log(m, Date.now() - t0)
  const r = await makeRepository(['1.0.0', '2.0.0', '3.0.0'])
  log('repo')
  const storage = memoryStorage()
  const device = createDevice({ repository: r.url, root: r.root, storage, onEvent: (e) => console.log(JSON.stringify(e)), logger: (l, m) => console.log(l, m) })
  console.log(await device.load(MODEL)); log('load')
  console.log(await device.predict(MODEL, { hours_studied: 4, quiz_score: 61 }))
  log('predict')
  console.log(await device.explain(MODEL))
  console.log(r.requests())
  for (let i = 0; i < 10; i++) { const d = createDevice({ repository: r.url, root: r.root }); await d.load(MODEL); await d.close() }
  log('ten more')
  console.log(await storage.state.keys(), JSON.stringify(await storage.state.get('model/' + MODEL)))
  expect(1).toBe(1)
})
