import type { Artifact, Backend } from '@afield/protocol'
import { expect, test } from 'vitest'
import { artifactFor, type Device } from '../../packages/sdk/dist/keeper/blobs/files.js'

const GIB = 2 ** 30
const half = artifact('fp16', ['webgpu'], { features: ['shader-f16'], limits: { maxBufferSize: GIB } })
const whole = artifact('fp32', ['wasm', 'webgpu'], { memory: 4 * GIB })
const small = artifact('int8', ['wasm'])
const DESCRIPTOR = { artifacts: [half, whole, small] }

function artifact(
  variant: Artifact['variant'],
  backends: Artifact['backends'],
  requires?: Artifact['requires'],
): Artifact {
  return { variant, backends, files: [], ...(requires ? { requires } : {}) }
}

const gpu = (features: readonly string[], maxBufferSize: number) => ({
  name: 'gpu',
  features,
  limits: { maxBufferSize },
})

test.each<[Backend, Device, Artifact['variant']]>([
  ['webgpu', { gpu: gpu(['shader-f16', 'subgroups'], GIB) }, 'fp16'],
  ['webgpu', { gpu: gpu(['subgroups'], GIB) }, 'fp32'],
  ['webgpu', { gpu: gpu(['shader-f16'], GIB / 2) }, 'fp32'],
  ['webgpu', {}, 'fp32'],
  ['wasm', { memoryGiB: 8, gpu: gpu(['shader-f16'], GIB) }, 'fp32'],
  ['wasm', { memoryGiB: 4 }, 'fp32'],
  ['wasm', { memoryGiB: 2 }, 'int8'],
  // A browser that does not tell is taken to have 4 GiB.
  ['wasm', {}, 'fp32'],
])('on %s, a device with %o runs the %s files', (backend, device, variant) => {
  expect(artifactFor(DESCRIPTOR, backend, device).variant).toBe(variant)
})

test('says what a device lacks, and what no device has', () => {
  expect(() => artifactFor(DESCRIPTOR, 'webgpu', { memoryGiB: 2 })).toThrow(
    expect.objectContaining({ code: 'platform/unsupported', details: { backend: 'webgpu' } }),
  )
  expect(() => artifactFor(DESCRIPTOR, 'webnn')).toThrow(
    expect.objectContaining({ code: 'descriptor/invalid', details: { backend: 'webnn' } }),
  )
})
