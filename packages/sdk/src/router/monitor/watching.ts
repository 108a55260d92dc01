import type { Served, Terms } from '../../keeper/ports.js'
import { asAfieldError } from '@afield/protocol'
import type { OpenPageOptions } from '../open-page.js'
import type { Route } from '../route.js'
import type { ModelCounts } from './model-counts.js'
import type { Monitor } from './monitor.js'
import { assess, objectivesOf, type Objective } from './objectives.js'
import type { ObjectiveReport, SloEvent } from './reports.js'
import { Watch } from './watch.js'

const WHAT: Readonly<Record<ObjectiveReport['objective'], string>> = {
  latency: 'is slower',
  availability: 'answers less often',
}

/** The objectives of all models on a page. */
export class Watching {
  readonly #routes: ReadonlyMap<string, Route>
  readonly #monitor: Monitor
  readonly #options: Pick<OpenPageOptions, 'emit' | 'isHeard' | 'log'>
  readonly #watches = new Map<string, Watch>()
  readonly #read = new WeakMap<Terms, readonly Objective[]>()
  readonly #warned = new Set<string>()
  readonly #budgets = new WeakMap<Served, number>()
  /** Of what served last: a model that is switched off is held to what it was held to before. */
  readonly #latest = new Map<string, Terms>()

  constructor(
    routes: ReadonlyMap<string, Route>,
    monitor: Monitor,
    options: Pick<OpenPageOptions, 'emit' | 'isHeard' | 'log'>,
  ) {
    this.#routes = routes
    this.#monitor = monitor
    this.#options = options
  }

  /** @returns until when nobody needs to look again. */
  counted(model: ModelCounts): number {
    return this.#watch(model).counted()
  }

  report(model: ModelCounts): readonly ObjectiveReport[] {
    const { now } = this.#monitor
    return this.#objectives(model.model).map((objective) => assess(objective, model, now))
  }

  /** No run may take longer than a prediction, where the version itself says how long that may be. */
  runBudgetMs(served: Served): number | undefined {
    const known = this.#budgets.get(served)
    if (known !== undefined) return known === Infinity ? undefined : known
    const terms = this.#terms(served.model, served.version)
    if (!terms) return undefined
    const [first] = terms.slo === undefined ? [] : this.#objectivesOf(terms)
    this.#budgets.set(served, first?.thresholdMs ?? Infinity)
    return first?.thresholdMs
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
  }

  #watch(model: ModelCounts): Watch {
    const known = this.#watches.get(model.model)
    if (known) return known
    const { isHeard } = this.#options
    const watch = new Watch({
      model,
      isHeard,
      now: () => this.#monitor.now,
      objectives: () => this.#objectives(model.model),
      tell: (event) => this.#tell(event),
    })
    this.#watches.set(model.model, watch)
    return watch
  }

  #objectives(model: string): readonly Objective[] {
    const terms = this.#terms(model) ?? this.#latest.get(model)
    if (terms) this.#latest.set(model, terms)
    return this.#objectivesOf(terms)
  }

  /** Of what serves a model; where several versions do, of that which the rollout means. */
  #terms(model: string, version?: string): Terms | undefined {
    const routes = [...this.#routes.values()].filter(
      ({ served }) => served?.model === model && (version === undefined || served.version === version),
    )
    return (routes.find(({ name }) => name === model) ?? routes[0])?.set?.terms
  }

  #objectivesOf(terms: Terms | undefined): readonly Objective[] {
    const known = terms && this.#read.get(terms)
    if (known) return known
    const objectives = objectivesOf(terms?.slo, (cause) => {
      const error = asAfieldError(cause, 'descriptor/invalid', 'The objectives could not be read')
      this.#options.log('warn', error.message, error)
    })
    if (terms) this.#read.set(terms, objectives)
    return objectives
  }

  #tell(event: SloEvent): void {
    const { emit, log } = this.#options
    emit(event)
    const { model, objective, state, share = 0, target, thresholdMs } = event
    const key = `${objective} ${model}`
    if (state !== 'missed' || this.#warned.has(key)) return
    this.#warned.add(key)
    const within = thresholdMs === undefined ? '' : ` within ${thresholdMs} ms`
    log(
      'warn',
      `"${model}" ${WHAT[objective]} than it should on this page: ${percent(share)} of its predictions are answered` +
        `${within}, and ${percent(target)} should be.`,
    )
  }
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`
}
