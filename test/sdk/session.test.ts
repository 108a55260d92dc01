import { AfieldError } from '@afield/protocol'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Session } from '../../packages/sdk/dist/engine/session.js'

const PLAIN_BUILD = '../../packages/sdk/dist/engine/builds/plain.js'

/** A GPU, and an onnxruntime that refuses the next session and makes those after it. */
const gpu = { lost: new Promise<AfieldError>(() => undefined), released: 0, refuses: false }

const build = {
  BUILD: 'jspi',
  env: { wasm: {} },
  InferenceSession: {
    create: async () => {
      const { refuses } = gpu
      gpu.refuses = false
      if (refuses) throw new Error('a buffer could not be mapped')
      return { release: () => Promise.resolve() }
    },
  },
  accelerate: async () => ({
    provider: 'webgpu',
    submissions: 0,
    lost: gpu.lost,
    release: () => (gpu.released += 1),
  }),
}

let create: typeof Session.create

beforeAll(async () => {
  // Loaded anew, since another file may have loaded it with the real build, and needs that one after this.
  vi.doMock(PLAIN_BUILD, () => build)
  vi.resetModules()
  const { Session } = await import('../../packages/sdk/dist/engine/session.js')
  create = Session.create.bind(Session)
})

afterAll(() => {
  vi.doUnmock(PLAIN_BUILD)
  vi.resetModules()
})

const MODEL = { backend: 'webgpu', bytes: new Uint8Array(), externalData: [], operators: [] } as never
const LOST = new AfieldError('engine/device-lost', 'It went away.')

test.each([
  ['its device goes away', new Promise<AfieldError>((resolve) => setTimeout(resolve, 50, LOST)), LOST.code],
  ['it is refused', new Promise<AfieldError>(() => undefined), 'engine/session-failed'],
])('a session that cannot be made because %s says so', async (_why, lost, code) => {
  Object.assign(gpu, { lost, released: 0, refuses: true })
  await expect(create(MODEL)).rejects.toMatchObject({ code })
  expect(gpu.released).toBe(1)
})
