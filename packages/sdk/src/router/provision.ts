import type { ServingOptions } from '../api.js'
import type { EngineSet } from './engine-set.js'
import type { RouteCalls } from './route.js'
import type { Scaling } from './scaling.js'

/** Less work than that pays for no other backend. */
const WORTH_CONSIDERING_MS = 1000

/** What the set that serves gets to run on, as the app asks for it or as the load does: more engines, another backend. */
export class Provision {
  readonly #calls: RouteCalls
  #set: EngineSet | undefined
  #workers: ServingOptions['workers']
  #backend: NonNullable<ServingOptions['backend']> = 'auto'
  #scaling: Scaling | undefined
  /** For which another backend is looked after. */
  #considered: EngineSet | undefined

  constructor(calls: RouteCalls) {
    this.#calls = calls
  }

  /** What is given holds from now on; what is left out stays. */
  configure({ workers, backend }: ServingOptions): void {
    if (backend !== undefined && backend !== this.#backend) {
      this.#backend = backend
      this.#stopConsidering()
      if (backend !== 'auto') this.#consider()
    }
    if (workers === undefined) return
    this.#workers = workers
    this.#scale()
  }

  /** Another set serves. */
  begin(set: EngineSet): void {
    this.#stopConsidering()
    this.#set = set
    this.#scale()
    if (this.#backend !== 'auto') this.#consider()
  }

  /** A set has run once more, perhaps one that serves no more. */
  ran(set: EngineSet): void {
    if (set === this.#set && set.ranMs > WORTH_CONSIDERING_MS) this.#consider()
  }

  /** Nothing serves any more. */
  end(): void {
    this.#stopConsidering()
    this.#set = undefined
    this.#scaling?.stop()
  }

  #scale(): void {
    const set = this.#set
    const workers = this.#workers
    if (!set || workers === undefined || (workers === 1 && !this.#scaling)) return
    import('./scaling.js').then(({ Scaling }) => {
      if (set !== this.#set || workers !== this.#workers) return
      this.#scaling?.stop()
      this.#scaling = new Scaling(set, workers, this.#calls)
    }, goOn)
  }

  #consider(): void {
    const set = this.#set
    const backend = this.#backend
    if (!set || set === this.#considered || set.served.backend === backend) return
    this.#considered = set
    import('./consider.js').then(({ considerBackends }) => {
      if (set === this.#considered) considerBackends(set, backend, (load) => this.#calls.consider(load))
    }, goOn)
  }

  #stopConsidering(): void {
    if (this.#considered) this.#considered.onIdle = undefined
    this.#considered = undefined
  }
}

/** Without the code for more, such as after the app was deployed anew, the engine that there is goes on. */
const goOn = (): void => undefined
