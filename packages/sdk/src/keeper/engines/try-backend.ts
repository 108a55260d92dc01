import { AfieldError } from '@afield/protocol'
import type { EngineFacts } from '../../engine/messages.js'
import type { Running } from '../activation/serving.js'
import type { Clock, Engine, EngineModel, Hardware, Ports } from '../ports.js'
import type { Load } from './port.js'

/** It serves only if it takes at most this share of the time that WASM does. */
const WORTH = 0.9
/** A backend that is not ready by then hangs; its runtime's download is part of it. */
const READY_WITHIN_MS = 3 * 60 * 1000

export interface Candidate {
  readonly build: Hardware['build']
  readonly modelBytes: number
  /** With its golden vectors, which prove the backend and warm its shaders up. */
  readonly model: EngineModel
}

/** A backend that agrees with the golden vectors, and how fast it is. */
export interface Trial {
  readonly engine: Engine
  readonly facts: EngineFacts
  readonly bringUpMs: number
  readonly backendMs: number
  /** Absent where that decides nothing. */
  readonly wasmMs: number | undefined
  readonly serves: boolean
}

/**
 * Brings a version up on another backend and measures it against the engine that serves.
 *
 * @throws AfieldError `model/self-test-failed`, `engine/*`. No engine of the trial is left then.
 */
export async function tryBackend(
  { clock, host }: Ports,
  running: Running,
  { together, backend }: Load,
  { build, modelBytes, model }: Candidate,
): Promise<Trial> {
  const began = clock.now()
  const engine = await host.openEngine({ role: 'backend', runtime: build, modelBytes })
  const { selfTest } = model
  const size = Math.max(1, Math.round(together))
  try {
    const facts = await within(clock, engine.load(model))
    // The clock may be set meanwhile, and what this took decides from now on when a backend is worth a trial.
    const bringUpMs = Math.min(Math.max(0, clock.now() - began), READY_WITHIN_MS)
    // The first runs of a shape compile its shaders.
    await within(clock, engine.measure(size, selfTest))
    const backendMs = await within(clock, engine.measure(size, selfTest))
    const wasmMs = backend === 'auto' ? await measureWasm(clock, running, size, selfTest) : undefined
    const serves = wasmMs === undefined || backendMs <= WORTH * wasmMs
    return { engine, facts, bringUpMs, backendMs, wasmMs, serves }
  } catch (error) {
    engine.close()
    throw error
  }
}

/** @throws AfieldError `engine/unavailable`: that WASM could not be measured says nothing about the backend. */
async function measureWasm(
  clock: Clock,
  { engine }: Running,
  together: number,
  selfTest: unknown,
): Promise<number> {
  try {
    return await within(clock, engine.measure(together, selfTest))
  } catch (cause) {
    throw new AfieldError('engine/unavailable', 'The engine that serves could not be measured.', { cause })
  }
}

function within<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(READY_WITHIN_MS, () =>
      reject(
        new AfieldError(
          'engine/hung',
          `The backend was not ready after ${READY_WITHIN_MS / 60_000} minutes.`,
        ),
      ),
    )
    work.then(resolve, reject).finally(cancel)
  })
}
