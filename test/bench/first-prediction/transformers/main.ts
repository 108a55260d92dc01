import mjs from 'peer-onnxruntime/ort-wasm-simd-threaded.asyncify.mjs?url'
import wasm from 'peer-onnxruntime/ort-wasm-simd-threaded.asyncify.wasm?url'
import { AutoModel, Tensor, env } from '@huggingface/transformers'
import { firstAnswer, pixels } from '../page.js'

firstAnswer(async () => {
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = new URL('./models/', location.href).href
  const runtime = env.backends.onnx.wasm
  if (!runtime) throw new Error('transformers.js has no WASM backend')
  runtime.wasmPaths = { mjs: new URL(mjs, location.href).href, wasm: new URL(wasm, location.href).href }
  runtime.numThreads = 1
  const model = await AutoModel.from_pretrained('digits-mlp', { device: 'wasm', dtype: 'fp32' })
  const values = Float32Array.from(Object.values(pixels))
  const output = await model({ pixels: new Tensor('float32', values, [1, values.length]) })
  return Array.from(output.probabilities.data)
})
