import type { EngineModel } from '../keeper/ports.js'

/**
 * A model below this gains nothing from threads. Measured on two cores with two threads: a prediction on a 64-256-256-10
 * MLP (0.3 MB) took 40 to 50 µs instead of 30 to 35, and on 38 MB of dense layers 1.53 ms instead of 1.48, while 32
 * together took 9.9 ms instead of 20.4 there; 64 together on the small one 0.27 to 0.35 ms instead of 0.36.
 */
const WORTH_THREADS_BYTES = 4 * 1024 * 1024

/** More threads than this gain little, and leave the page and its browser no core. */
const MAX_THREADS = 4

/** Of an engine that has its model for itself. Only an isolated page may share memory, which threads need. */
export function usualThreads(): number {
  return crossOriginIsolated ? Math.min(MAX_THREADS, Math.ceil(navigator.hardwareConcurrency / 2)) : 1
}

/** How many threads a model runs on, of those that it may. */
export function threadsFor({ backend, bytes, externalData }: EngineModel, allowed: number): number {
  const size = externalData.reduce((sum, { data }) => sum + data.length, bytes.length)
  return backend === 'wasm' && size >= WORTH_THREADS_BYTES ? allowed : 1
}
