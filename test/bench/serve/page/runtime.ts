import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'

/** What the peers' workers get to start with. */
export interface Start {
  readonly mjs: string
  readonly wasm: string
  readonly model: Uint8Array
}

export async function startOf(model: string): Promise<Start> {
  return {
    mjs: new URL(mjs, location.href).href,
    wasm: new URL(wasm, location.href).href,
    model: new Uint8Array(await (await fetch(model)).arrayBuffer()),
  }
}
