import { errorFromData, errorToData } from '@afield/protocol'
import type { AfieldOptions } from '../api.js'
import type { KeeperEvent, Logger } from '../keeper/ports.js'
import type { PageHost } from '../keeper/worker.js'
import { transferring } from '../remote.js'
import type { Engines } from './engines.js'
import type { Counts } from './counts.js'
import type { Route } from './route.js'

export interface PageHostOptions {
  readonly app: Pick<AfieldOptions, 'atStep' | 'onDownload'>
  readonly engines: Engines
  readonly route: (name: string) => Promise<Route>
  /** From then on nothing begins to serve. */
  readonly isClosing: () => boolean
  readonly emit: (event: KeeperEvent) => void
  readonly counts: Counts
  readonly log: Logger
}

/** What the keeper may do on this page. */
export function pageHost({ app, engines, route, isClosing, emit, counts, log }: PageHostOptions): PageHost {
  return {
    openEngine: async (wanted) => {
      const { id, supply } = await engines.take(wanted)
      return transferring({ id, supply }, [supply])
    },
    engineGone: async (id) => {
      const error = await engines.gone(id)
      return error && errorToData(error)
    },
    closeEngine: (id) => engines.get(id)?.close(),
    serve: async (name, id, served, terms) => {
      const to = await route(name)
      const engine = engines.get(id)
      if (engine?.wanted) engine.wanted = { ...engine.wanted, role: 'serving' }
      if (engine && !isClosing()) to.serve(engine, served, terms)
      return engine !== undefined
    },
    refuse: async (name, error) => {
      const to = await route(name)
      if (!isClosing()) to.refuse(errorFromData(error))
    },
    emit,
    count: (served, step, error) => counts.reached(served, step, error),
    askDownload: async (request) => (await app.onDownload?.(request)) ?? false,
    atStep: async (step) => app.atStep?.(step),
    log: (level, message, error) => log(level, message, error && errorFromData(error)),
  }
}
