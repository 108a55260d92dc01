import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import { firstAnswer, pixels } from '../page.js'

// What a careful developer writes by hand: onnxruntime-web's plain WASM build in a worker, nothing verified.
firstAnswer(
  () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
      worker.addEventListener('message', ({ data }: MessageEvent<readonly number[]>) => resolve(data))
      worker.addEventListener('error', (event) => reject(new Error(event.message)))
      worker.postMessage({
        mjs: new URL(mjs, location.href).href,
        wasm: new URL(wasm, location.href).href,
        model: new URL('./model.onnx', location.href).href,
        pixels: Object.values(pixels),
      })
    }),
)
