import { AfieldError, asAfieldError, type Backend, type ErrorCode, type Runnable } from '@afield/protocol'
import type { Activator } from '../activation/activator.js'
import { engineModel, modelBytes } from '../activation/engine-model.js'
import type { Backing, StoredVersion } from '../activation/fetcher.js'
import { REST_MS } from '../activation/record.js'
import type { Running } from '../activation/serving.js'
import { artifactFor } from '../blobs/files.js'
import type { Hardware, Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { describeRunning, fetchRunning, storedRunning } from './running-version.js'
import type { Load } from './port.js'
import { returnToWasm } from './demote.js'
import { triedOn } from './tried.js'
import { tryBackend, type Trial } from './try-backend.js'
import type { Verdict } from './verdict-record.js'
import type { Tried, Verdicts } from './verdicts.js'
import { AGAIN_MS, NEVER, inferenceToWait, runtimeToWait } from './worth.js'

/** Pages that may die while a version is tried on a backend, before that rests. */
const STRIKES = 2
/** Failures that may be the moment's, so that there is a way back. Any other is of the version on this GPU. */
const PASSING: readonly ErrorCode[] = [
  'engine/device-lost',
  'engine/crashed',
  'engine/out-of-memory',
  'engine/hung',
]
/** Failures that say something about the backend; all others are about the network, or the page. */
const TELLING: readonly ErrorCode[] = [...PASSING, 'engine/session-failed', 'model/self-test-failed']

/** Brings backends up beside WASM where that pays, and lets one serve that proves itself. One tab at a time. */
export class Considering {
  readonly #ports: Ports
  readonly #rooms: Rooms
  readonly #verdicts: Verdicts

  constructor(ports: Ports, rooms: Rooms, verdicts: Verdicts) {
    this.#ports = ports
    this.#rooms = rooms
    this.#verdicts = verdicts
  }

  /** @returns how many ms of inference from now on to ask again. */
  async consider(route: string, load: Load): Promise<number> {
    const { hardware } = this.#ports
    const activator = this.#rooms.routes.get(route)
    const running = activator?.running
    if (!activator || !running) return AGAIN_MS
    const { backend: serves } = running.served
    if (serves !== 'wasm') {
      // What serves on WASM then is considered anew, for the one that the app asked for.
      const others = load.backend !== 'auto' && load.backend !== serves
      if (others) await returnToWasm(this.#ports, this.#rooms, route, running, 'asked')
      return NEVER
    }
    if (!hardware || load.backend === 'wasm') return NEVER
    const descriptor = await describeRunning(activator)
    const offered = ORDER.filter(
      (backend) =>
        (load.backend === 'auto' || load.backend === backend) &&
        descriptor?.artifacts.some(({ backends }) => backends.includes(backend)) &&
        (backend === 'webgpu' || (hardware.hasWebNN && hasFixedShapes(descriptor))),
    )
    if (!descriptor || offered.length === 0) return this.#cannot(running, load)
    if (load.backend === 'auto') {
      const wait = await inferenceToWait(hardware, this.#verdicts, load)
      if (wait > 0) return wait
    }
    let again = NEVER
    const open: Backing[] = []
    for (const backend of offered) {
      const on = await this.#backing(hardware, descriptor, backend)
      const verdict = on && (await this.#verdicts.find(triedOn(this.#ports, running.descriptor, on)))
      if (forbids(verdict, load)) again = Math.min(again, restOf(verdict, load))
      else if (on) open.push(on)
    }
    // Nobody is asked about a download that nothing would come of.
    if (open.length > 0 && load.backend === 'auto') {
      const { rules } = this.#rooms
      const wait = await runtimeToWait(this.#ports, hardware, rules, this.#verdicts, running.served)
      if (wait > 0) return Math.min(again, wait)
    }
    for (const on of open) {
      const outcome = await this.#tryOn(activator, running, on, load)
      if (outcome === 'serves') return NEVER
      again = Math.min(again, outcome)
    }
    return again
  }

  /** `undefined` where this device has nothing that the backend's files could run on. */
  async #backing(hardware: Hardware, descriptor: Runnable, backend: Backend): Promise<Backing | undefined> {
    const gpu = backend === 'webgpu' ? await hardware.findGpu() : undefined
    if (backend === 'webgpu' && !gpu) return undefined
    try {
      artifactFor(descriptor, backend, { memoryGiB: this.#ports.platform.memoryGiB, gpu })
      return { backend, gpu }
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('info', error.message, error)
      return undefined
    }
  }

  async #tryOn(activator: Activator, running: Running, on: Backing, load: Load): Promise<'serves' | number> {
    const tried = triedOn(this.#ports, running.descriptor, on)
    return this.#ports.locks.hold('backend', async () => {
      const verdict = await this.#verdicts.find(tried)
      if (forbids(verdict, load)) return restOf(verdict, load)
      if ((await this.#verdicts.strikes(tried)) >= STRIKES) return this.#rest(tried, load)
      const stored = await this.#files(activator, on)
      // While it waited for its turn and its files, another may have begun to serve, which these files are then of.
      if (!stored || activator.running?.engine !== running.engine) return AGAIN_MS
      await this.#verdicts.begin(tried)
      try {
        return await this.#try(activator, running, on, stored, load, tried)
      } finally {
        await this.#verdicts.end()
      }
    })
  }

  async #try(
    activator: Activator,
    running: Running,
    on: Backing,
    stored: StoredVersion,
    load: Load,
    tried: Tried,
  ): Promise<'serves' | number> {
    const { build } = this.#ports.hardware ?? {}
    if (!build) return NEVER
    let trial: Trial
    try {
      trial = await tryBackend(this.#ports, running, load, {
        build,
        modelBytes: modelBytes(stored),
        model: engineModel(activator.model, stored, on.backend),
      })
    } catch (cause) {
      return this.#failed(tried, load, asAfieldError(cause, 'engine/session-failed', `${on.backend} failed`))
    }
    const { bringUpMs, wasmMs, backendMs, engine, facts, serves } = trial
    const measured = wasmMs === undefined ? { backendMs, bringUpMs } : { wasmMs, backendMs, bringUpMs }
    const { model, version, backend: previous } = running.served
    const why = load.backend === 'auto' ? 'faster' : 'asked'
    let moved = false
    try {
      await this.#verdicts.rememberBringUp(build, bringUpMs)
      if (!serves) {
        const message = `It took ${shown(backendMs)} ms for what WASM did in ${shown(wasmMs)} ms.`
        await this.#verdicts.remember({ ...tried, outcome: 'lost', why: 'slower', message, ...measured })
        return NEVER
      }
      moved = await this.#rooms.routes.turn(activator, async () => {
        const now = activator.running
        if (now?.engine !== running.engine) return false
        const terms = {
          ...now.terms,
          variant: stored.artifact.variant,
          engine: facts,
          modelBytes: modelBytes(stored),
        }
        return activator.serving.move(engine, on, terms)
      })
    } finally {
      if (!moved) engine.close()
    }
    if (!moved) return AGAIN_MS
    this.#ports.host.emit({ type: 'backend', model, version, backend: on.backend, previous, reason: why })
    await this.#verdicts.remember({ ...tried, outcome: 'won', why, message: '', ...measured })
    return 'serves'
  }

  /** What the backend's artifact needs and is not here yet comes by the rules of downloads. */
  async #files(activator: Activator, on: Backing): Promise<StoredVersion | undefined> {
    const stored = await storedRunning(activator, on)
    if (stored) return stored
    const fetched = await fetchRunning(activator, on)
    return fetched.kind === 'here' ? fetched.stored : undefined
  }

  async #failed(tried: Tried, load: Load, error: AfieldError): Promise<number> {
    const { code, message } = error
    if (!TELLING.includes(code)) {
      this.#ports.log('info', `${tried.backend} could not be tried.`, error)
      return later(load)
    }
    const until = PASSING.includes(code) ? { until: this.#ports.clock.now() + REST_MS } : {}
    const why =
      code === 'model/self-test-failed'
        ? 'wrong-answer'
        : code === 'engine/device-lost'
          ? 'device-lost'
          : 'failed'
    this.#ports.log('warn', `${tried.backend} did not prove itself here, so WASM goes on.`, error)
    await this.#verdicts.remember({ ...tried, outcome: 'lost', why, message, ...until })
    return later(load)
  }

  async #rest(tried: Tried, load: Load): Promise<number> {
    const until = this.#ports.clock.now() + REST_MS
    const message = `The page died ${STRIKES} times while trying ${tried.backend}.`
    await this.#verdicts.remember({ ...tried, outcome: 'lost', why: 'crashed', message, until })
    return later(load)
  }

  #cannot({ served }: Running, { backend }: Load): number {
    if (backend !== 'auto') {
      this.#ports.log(
        'warn',
        `${served.model} ${served.version} has nothing for ${backend} on this device; WASM serves it.`,
      )
    }
    return NEVER
  }
}

const ORDER = ['webgpu', 'webnn'] as const

/** A backend that the app asked for need not be faster. */
function forbids(verdict: Verdict | undefined, { backend }: Load): verdict is Verdict {
  return verdict?.outcome === 'lost' && (backend === 'auto' || verdict.why !== 'slower')
}

function restOf({ until }: Verdict, load: Load): number {
  return until === undefined ? NEVER : later(load)
}

/**
 * Twice as late each time: what a page's own policy forbids costs a download and a worker at each try. A rest ends while
 * a page lives, too.
 */
function later({ inferenceMs }: Load): number {
  return Math.max(AGAIN_MS, inferenceMs)
}

/** As far as the contract tells; the engine looks at the graph itself. */
function hasFixedShapes({ contract }: Runnable): boolean {
  const { input } = contract as {
    readonly input?: { readonly tensors?: readonly { readonly shape?: readonly number[] }[] }
  }
  return (input?.tensors ?? []).every(({ shape }) => shape?.every((size) => size > 0) ?? true)
}

function shown(ms: number | undefined): string {
  return ms === undefined ? '?' : String(Number(ms.toPrecision(3)))
}
