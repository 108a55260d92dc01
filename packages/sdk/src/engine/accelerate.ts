import { AfieldError, asAfieldError, type Backend } from '@afield/protocol'
import type { Accelerator } from './accelerator.js'

/** Of the GPU's features, those that onnxruntime has shaders for. */
const FEATURES = ['shader-f16', 'subgroups'] as const
/** Of its limits, those that decide how large a model may be and how its shaders are laid out. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const

/** As much of https://www.w3.org/TR/webnn/ as is used here; TypeScript does not know it. */
interface NeuralContext {
  dispatch(...given: readonly unknown[]): unknown
  readonly lost?: Promise<{ readonly message?: string }>
  destroy?(): void
}
interface NeuralNetworks {
  createContext(options: object): Promise<NeuralContext>
}

/**
 * Gets hold of what runs a session, by our own hand, so that its loss is heard of and its use can be counted.
 *
 * @throws AfieldError `engine/device-lost` with `details.backend` where there is none: a browser whose GPU has just
 *   crashed gives none for a while, which says nothing about the model.
 */
export async function accelerate(backend: Backend): Promise<Accelerator> {
  try {
    return await (backend === 'webnn' ? neuralNetwork() : gpu())
  } catch (cause) {
    const { code, message } = asAfieldError(cause, 'engine/device-lost', `There is no ${backend} here now`)
    throw new AfieldError(code, message, { cause, details: { backend } })
  }
}

async function gpu(): Promise<Accelerator> {
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) throw new Error('the browser gave no adapter')
  const device = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  const count = counted(device.queue, 'submit')
  return {
    provider: { name: 'webgpu', device } as Accelerator['provider'],
    get submissions() {
      return count()
    },
    lost: device.lost.then(({ message }) => lostError('webgpu', message)),
    release: () => device.destroy(),
  }
}

async function neuralNetwork(): Promise<Accelerator> {
  const { ml } = navigator as { readonly ml?: NeuralNetworks }
  if (!ml) throw new Error('the browser has no WebNN')
  const context = await ml.createContext({ deviceType: 'gpu' })
  const count = counted(context, 'dispatch')
  return {
    provider: { name: 'webnn', deviceType: 'gpu', context } as Accelerator['provider'],
    get submissions() {
      return count()
    },
    lost: context.lost?.then(({ message }) => lostError('webnn', message)) ?? new Promise(() => undefined),
    release: () => context.destroy?.(),
  }
}

/** Counts the calls of a method of this one object. */
function counted<M extends string>(of: Readonly<Record<M, unknown>>, method: M): () => number {
  const original = of[method] as (...given: readonly unknown[]) => unknown
  let calls = 0
  const counting = (...given: readonly unknown[]): unknown => {
    calls += 1
    return original.apply(of, [...given])
  }
  Object.defineProperty(of, method, { value: counting })
  return () => calls
}

function lostError(backend: Backend, why: string | undefined): AfieldError {
  return new AfieldError(
    'engine/device-lost',
    `The device that ran the model went away (${why || 'the browser does not say why'}). What was asked is asked again on WASM.`,
    { details: { backend } },
  )
}
