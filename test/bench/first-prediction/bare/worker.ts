import * as ort from 'onnxruntime-web/wasm'

interface Job {
  readonly mjs: string
  readonly wasm: string
  readonly model: string
  readonly pixels: readonly number[]
}

addEventListener('message', ({ data }: MessageEvent<Job>) => void run(data))

async function run({ mjs, wasm, model, pixels }: Job): Promise<void> {
  ort.env.wasm.numThreads = 1
  ort.env.wasm.wasmPaths = { mjs, wasm }
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })
  const results = await session.run({ pixels: new ort.Tensor('float32', pixels, [1, pixels.length]) })
  postMessage(Array.from(results['probabilities']?.data as Float32Array))
}
