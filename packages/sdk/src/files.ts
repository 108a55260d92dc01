import type { EngineUrls } from './engine/messages.js'

/**
 * Where the package's own files are, written so that every bundler sees and copies them. The workers are whole: there
 * is nothing to build in them, which is why no `new Worker` stands around their URLs. This module lies where they do,
 * so that a bundler that copies nothing finds them beside what it wrote.
 */
export function keeperWorkerUrl(): URL {
  return absolute(new URL('./keeper.worker.js', import.meta.url))
}

export function engineWorkerUrl(): URL {
  return absolute(new URL('./engine.worker.js', import.meta.url))
}

/** The engine that asks a server. */
export function remoteWorkerUrl(): URL {
  return absolute(new URL('./remote.worker.js', import.meta.url))
}

export function engineUrls(): EngineUrls {
  return {
    runtime: {
      mjs: absolute(new URL('./ort/ort-wasm-simd-threaded.mjs', import.meta.url)).href,
      wasm: absolute(new URL('./ort/ort-wasm-simd-threaded.wasm', import.meta.url)).href,
    },
    kinds: {
      image: absolute(new URL('./inputs/image.js', import.meta.url)).href,
      audio: absolute(new URL('./inputs/audio.js', import.meta.url)).href,
      text: absolute(new URL('./inputs/text.js', import.meta.url)).href,
      tokenizer: absolute(new URL('./inputs/tokenizer.js', import.meta.url)).href,
    },
  }
}

/** What the keeper loads where telemetry is on. */
export function telemetryUrl(): string {
  return absolute(new URL('./telemetry.js', import.meta.url)).href
}

/** What the keeper loads for further engines. */
export function engineCallsUrl(): string {
  return absolute(new URL('./engine-calls.js', import.meta.url)).href
}

/** Turbopack puts objects there whose `href` is a path and whose `origin` is empty; in Node it is whole. */
export function absolute({ href }: URL): URL {
  return new URL(href, typeof location === 'object' ? location.href : undefined)
}
