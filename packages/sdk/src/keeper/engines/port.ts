import type { AfieldError, Backend, Version } from '@afield/protocol'
import type { EngineModel, Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'

/** What a page found out about how much a model is asked. */
export interface Load {
  /** Ms that its engines ran in this page's life. */
  readonly inferenceMs: number
  /** How many predictions usually share a run. */
  readonly together: number
  /** What the app asked for. */
  readonly backend: Backend | 'auto'
}

/**
 * What takes more than the one engine that a model starts on: a pool, another backend, and what becomes of engines
 * and versions that fail while they serve. A file of its own, since most devices need none of it.
 */
export interface EngineCalls {
  /**
   * Another engine of what serves on a route.
   *
   * @returns its id, for the page to take up; `undefined` when something else serves by now.
   * @throws AfieldError `engine/no-room`, `engine/*`.
   */
  grow(route: string): Promise<number | undefined>
  /**
   * Brings another backend up beside the one that serves, where that pays, and serves from it if it proves itself.
   *
   * @returns how many ms of inference from now on to ask again; Infinity for not again.
   */
  consider(route: string, load: Load): Promise<number>
  /** The backend that serves a route failed while it served. When this resolves, WASM serves, or nothing does. */
  demote(route: string, error: AfieldError): Promise<void>
  /**
   * What serves keeps failing. Replays its golden vectors on a fresh engine: what fails them too is failed here, and the
   * version before it serves.
   *
   * @param sustained so many failures that the version counts as failed whatever its golden vectors say.
   */
  doubt(route: string, error: AfieldError, sustained: boolean): Promise<void>
  /**
   * What an engine that asks a server speaks by: of what serves, or served last, or else of the newest version whose
   * descriptor can be had.
   *
   * @throws AfieldError `model/not-found`, `manifest/*` or `chunk/*` when there is none.
   */
  remoteContract(route: string): Promise<RemoteContract>
}

/** What is asked of a model and how it answers, without the model. */
export interface RemoteContract extends Pick<EngineModel, 'contract' | 'assets' | 'stateOf'> {
  readonly version: Version
}

export type OpenEngineCalls = (ports: Ports, rooms: Rooms) => EngineCalls
