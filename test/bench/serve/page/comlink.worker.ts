import { expose } from 'comlink'
import type { Start } from './runtime.js'
import { createRun } from './session.js'

let run: ((x: Float32Array) => Promise<Float32Array>) | undefined

const calls = {
  async start(given: Start): Promise<void> {
    run = await createRun(given)
  },
  predict: (x: Float32Array): Promise<Float32Array> | undefined => run?.(x),
}
export type ComlinkCalls = typeof calls

expose(calls)
