import { expect, test } from 'vitest'
import { bundled, engineAlone } from '../bench/sizes/bundled.js'

test('types cost nothing', async () => {
  const { code } = await bundled(`import 'afield'; globalThis.app = 1`)
  expect(code.trim()).toBe('globalThis.app=1;')
})

test('a single function brings neither the router nor React, Vite or the schema library', async () => {
  const { modules, first } = await bundled(
    `import { ERROR_CODES } from 'afield'; globalThis.codes = ERROR_CODES`,
  )
  expect(modules.filter((id) => id !== '\0app').map((id) => /[^/]+\/dist\/.+$/.exec(id)?.[0])).toEqual([
    'protocol/dist/errors.js',
  ])
  expect(first).toBeLessThan(600)
})

test('createAfield brings nothing of React, Vite, the keeper or the engine', async () => {
  const { modules, first } = await bundled(
    `import { createAfield } from 'afield'; globalThis.create = createAfield`,
  )
  expect(first).toBeLessThanOrEqual(8000)
  expect(modules.length).toBeGreaterThan(5)
  expect(
    modules.filter((id) =>
      /react|\/vite\/|valibot|comlink|idb-keyval|onnxruntime|\/keeper\/(?!defaults)/.test(id),
    ),
  ).toEqual([])
})

test('the engine, but for onnxruntime, is of 30 kB', async () => {
  expect(await engineAlone()).toBeLessThanOrEqual(30_000)
})

test('useModel brings React only because it is asked for', async () => {
  const { modules } = await bundled(`import { useModel } from 'afield/react'; globalThis.use = useModel`)
  expect(modules.some((id) => id.includes('/react/dist/') || id.includes('node_modules/react/'))).toBe(true)
  expect(modules.filter((id) => /\/vite\/|create-afield/.test(id))).toEqual([])
})
