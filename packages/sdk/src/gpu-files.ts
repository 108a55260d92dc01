import type { EngineUrls, RuntimeBuild } from './engine/messages.js'
import { absolute, engineUrls } from './files.js'

/** An engine's own script, and what it fetches. */
export interface EngineFiles {
  readonly script: URL
  readonly urls: EngineUrls
}

/**
 * Where the engines for GPUs are. Apart from `files.ts`, and beside it, so that only a page that runs one carries it;
 * each name is written out, since bundlers copy only what they can read. `afield({ backends: ['wasm'] })` in Vite puts a
 * module in this one's place that knows of none.
 */
export function gpuEngineFiles(build: Exclude<RuntimeBuild, 'plain'>): EngineFiles | undefined {
  const { kinds } = engineUrls()
  return build === 'jspi'
    ? {
        script: absolute(new URL('./engine.jspi.worker.js', import.meta.url)),
        urls: {
          kinds,
          runtime: {
            mjs: absolute(new URL('./ort/ort-wasm-simd-threaded.jspi.mjs', import.meta.url)).href,
            wasm: absolute(new URL('./ort/ort-wasm-simd-threaded.jspi.wasm', import.meta.url)).href,
          },
        },
      }
    : {
        script: absolute(new URL('./engine.asyncify.worker.js', import.meta.url)),
        urls: {
          kinds,
          runtime: {
            mjs: absolute(new URL('./ort/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url)).href,
            wasm: absolute(new URL('./ort/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url)).href,
          },
        },
      }
}
