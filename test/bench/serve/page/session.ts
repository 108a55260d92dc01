import * as ort from 'onnxruntime-web/wasm'
import type { Start } from './runtime.js'

/** A session as one writes it by hand, and how it is run. */
export async function createRun({
  mjs,
  wasm,
  model,
}: Start): Promise<(x: Float32Array) => Promise<Float32Array>> {
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmPaths = { mjs, wasm }
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  return async (x) => {
    const results = await session.run({ pixels: new ort.Tensor('float32', x, [x.length / 64, 64]) })
    return results['probabilities']?.data as Float32Array
  }
}
