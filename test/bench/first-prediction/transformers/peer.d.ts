/** The few names that the page uses of a library that is installed only to be measured. */
declare module '@huggingface/transformers' {
  export const env: {
    allowRemoteModels: boolean
    allowLocalModels: boolean
    localModelPath: string
    backends: { onnx: { wasm?: { wasmPaths?: { mjs: string; wasm: string }; numThreads?: number } } }
  }
  export class Tensor {
    constructor(type: 'float32', data: Float32Array, dims: readonly number[])
    readonly data: Float32Array
  }
  export const AutoModel: {
    from_pretrained(
      name: string,
      options: { device: 'wasm'; dtype: 'fp32' },
    ): Promise<(inputs: Record<string, Tensor>) => Promise<{ readonly probabilities: Tensor }>>
  }
}
