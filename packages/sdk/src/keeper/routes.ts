import { ModelNameSchema, RequestedSchema, parseWith, type Alias, type Version } from '@afield/protocol'
import type { Activator } from './activation/activator.js'
import { deviceId } from './device.js'
import type { Ports } from './ports.js'

export interface LoadRequest {
  readonly version?: string | undefined
}

/** What a page's predictions are routed by, and what it stands for. */
export interface RouteInit {
  /** The model's name, or `name@version` where a version was asked for. */
  readonly route: string
  readonly model: string
  readonly requested: Version | Alias | 'latest' | undefined
  readonly deviceId: string
}

/** The models that this tab loaded. */
export class Routes {
  readonly #ports: Ports
  readonly #make: (init: RouteInit) => Activator
  readonly #routes = new Map<string, Activator>()
  /** Work on one route happens one piece after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()
  #deviceId: Promise<string> | undefined

  constructor(ports: Ports, make: (init: RouteInit) => Activator) {
    this.#ports = ports
    this.#make = make
  }

  all(): readonly Activator[] {
    return [...this.#routes.values()]
  }

  models(): readonly string[] {
    return [...new Set(this.all().map(({ model }) => model))]
  }

  get(route: string): Activator | undefined {
    return this.#routes.get(route)
  }

  /** @throws AfieldError `model/not-found` for what is no name or version; `storage/unavailable`. */
  async open(model: string, { version }: LoadRequest): Promise<Activator> {
    parseWith(ModelNameSchema, model, 'model/not-found', `The model's name`)
    const route = version === undefined ? model : `${model}@${version}`
    const requested =
      version === undefined || version === 'latest'
        ? version
        : parseWith(RequestedSchema, version, 'model/not-found', `The version of "${model}"`)
    const id = await this.#identify()
    const known = this.#routes.get(route)
    if (known) return known
    const activator = this.#make({ route, model, requested, deviceId: id })
    this.#routes.set(route, activator)
    return activator
  }

  /** Runs work on a route after the work before it, whether that succeeded or not. */
  turn<T>({ route }: Activator, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(route) ?? Promise.resolve()
    const run = before.then(work, work)
    this.#turns.set(route, run)
    return run
  }

  has(activator: Activator): boolean {
    return this.#routes.get(activator.route) === activator
  }

  forget(activator: Activator): void {
    if (this.has(activator)) this.#routes.delete(activator.route)
  }

  close(): void {
    for (const activator of this.all()) activator.close()
    this.#routes.clear()
  }

  /** One id for all models, also where it cannot be stored. */
  #identify(): Promise<string> {
    this.#deviceId ??= deviceId(this.#ports).catch((error: unknown) => {
      this.#deviceId = undefined
      throw error
    })
    return this.#deviceId
  }
}
