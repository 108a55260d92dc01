import { expect, test } from 'vitest'
import { hardwareOf } from '../../packages/sdk/dist/keeper/adapters/browser.js'

test.each([
  [
    'says what it is',
    { info: { vendor: 'acme', architecture: 'g1', device: '', description: '' } },
    'acme/g1',
  ],
  ['does not', {}, ''],
])('a GPU that %s is found', async (_what, info, name) => {
  const adapter = { ...info, limits: { maxBufferSize: 1024 }, features: new Set(['shader-f16']) }
  const navigator = { gpu: { requestAdapter: () => Promise.resolve(adapter) } }
  expect(await hardwareOf(navigator as unknown as Navigator).findGpu()).toEqual({
    name,
    features: ['shader-f16'],
    limits: { maxBufferSize: 1024 },
  })
})
