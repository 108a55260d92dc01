import {
  AfieldError,
  type DriftReport,
  type Explanation,
  type FieldDrift,
  type Model,
  type ObjectiveReport,
  type Stats,
} from 'afield'
import { find, make, write } from '../element.js'
import { formatBytes, formatCount, formatMs, plural } from '../format.js'

const LOOK_EVERY_MS = 1000
/** A change of share that fills a bar; the mark at 0.1 says from where on it counts as drift. */
const FULL_BAR = 0.4
const DRIFTED = 0.1

/** What answers on this page, how well it does, and how far what it is asked is from its training data. */
export function mountEngine(root: HTMLElement, model: Promise<Model>): void {
  const what = find(root, '.engine-what', HTMLElement)
  const counts = find(root, '.counts', HTMLElement)
  const objectives = find(root, '.objectives', HTMLElement)
  const fields = find(root, '.drift', HTMLElement)

  const look = async (): Promise<void> => {
    const loaded = await model
    const [stats, drift, explanation] = await Promise.all([loaded.stats(), loaded.drift(), loaded.explain()])
    write(what, describeEngines(stats, explanation))
    showCounts(counts, stats)
    showRows(objectives, stats.objectives.map(objectiveRow))
    showRows(fields, driftRows(drift))
  }
  const now = (): void => {
    look().catch((error: unknown) => {
      write(what, error instanceof AfieldError ? error.message : 'The engine does not say how it is.')
    })
  }
  setInterval(() => {
    if (document.visibilityState === 'visible') now()
  }, LOOK_EVERY_MS)
  now()
}

function describeEngines({ engines, fallback }: Stats, { version, engine }: Explanation): string {
  const { workers, heapBytes } = engines
  const elsewhere = fallback.remote + fallback.constant + fallback.function
  return [
    ...(engine ? [`${version} (${engine.variant}) on ${engine.backend}`, `${engine.build} build`] : []),
    ...(engine ? [plural(engine.threads, 'thread')] : []),
    plural(workers, 'worker'),
    ...(heapBytes > 0 ? [`${formatBytes(heapBytes)} of memory`] : []),
    ...(elsewhere > 0 ? [`${plural(elsewhere, 'answer')} of the fallback`] : []),
  ].join(' · ')
}

function showCounts(list: HTMLElement, { total }: Stats): void {
  const { count, latencyMs, success } = total
  const figures = [
    [formatCount(count), 'asked'],
    [count === 0 ? '–' : formatMs(latencyMs.p50), 'p50'],
    [count === 0 ? '–' : formatMs(latencyMs.p95), 'p95'],
    [count === 0 ? '–' : share(success), 'answered'],
  ] as const
  while (list.children.length < figures.length) list.append(make('div', {}, make('dd'), make('dt')))
  for (const [i, [figure, name]] of figures.entries()) {
    const [value, label] = list.children[i]?.children ?? []
    if (value) write(value, figure)
    if (label) write(label, name)
  }
}

/** A line with a bar: what is measured, how full it is, and what that means. */
interface Row {
  readonly name: string
  readonly says: string
  readonly state: 'fine' | 'alarm' | 'unknown'
  /** 0 to 1. */
  readonly filled: number
  /** Where the bar has its mark, if it has one. */
  readonly mark?: number
  readonly title?: string
}

function objectiveRow({
  objective,
  thresholdMs,
  target,
  share: good,
  budgetLeft,
  state,
}: ObjectiveReport): Row {
  const name =
    objective === 'latency' && thresholdMs !== undefined
      ? `${share(target)} within ${formatMs(thresholdMs)}`
      : `${share(target)} by a model`
  const left = `${Math.round(Math.max(0, budgetLeft) * 100)} % budget left`
  return {
    name,
    says: state === 'insufficient' ? 'too few to say' : `${state}, ${left}`,
    state: state === 'met' ? 'fine' : state === 'missed' ? 'alarm' : 'unknown',
    filled: state === 'insufficient' ? 0 : Math.max(0, budgetLeft),
    ...(good === undefined ? {} : { title: `${(good * 100).toFixed(2)} % in this page's last hour` }),
  }
}

function driftRows({ hasReference, fields, outputs }: DriftReport): readonly Row[] {
  if (!hasReference) return []
  return [...fields, ...outputs].map(driftRow)
}

function driftRow({ name, state, largestChange, bin, count }: FieldDrift): Row {
  const change = `${largestChange.toFixed(2)} · ${bin.replaceAll(/-?\d+\.\d+/g, (edge) => String(Number(Number(edge).toPrecision(3))))}`
  return {
    name,
    says: state === 'insufficient' ? `too few to say (${formatCount(count)})` : `${state}, ${change}`,
    state: state === 'stable' ? 'fine' : state === 'drifted' ? 'alarm' : 'unknown',
    filled: state === 'insufficient' ? 0 : Math.min(1, largestChange / FULL_BAR),
    mark: DRIFTED / FULL_BAR,
    title: 'The largest change of the share of any bin, against the training data',
  }
}

function showRows(list: HTMLElement, rows: readonly Row[]): void {
  const empty = list.previousElementSibling
  if (empty instanceof HTMLElement) empty.hidden = rows.length === 0
  while (list.children.length > rows.length) list.lastElementChild?.remove()
  while (list.children.length < rows.length) {
    const bar = make('div', { class: 'gauge', 'aria-hidden': 'true' })
    list.append(
      make('li', {}, make('span', { class: 'gauge-name' }), make('span', { class: 'gauge-says' }), bar),
    )
  }
  for (const [i, { name, says, state, filled, mark, title }] of rows.entries()) {
    const item = list.children[i]
    const [nameOf, saysOf, bar] = item?.children ?? []
    if (!(item instanceof HTMLElement) || !nameOf || !saysOf || !(bar instanceof HTMLElement)) continue
    item.dataset['state'] = state
    item.title = title ?? ''
    write(nameOf, name)
    write(saysOf, says)
    bar.style.setProperty('--filled', String(filled))
    bar.classList.toggle('marked', mark !== undefined)
    bar.style.setProperty('--mark', String(mark ?? 0))
  }
}

function share(part: number): string {
  return `${Number((part * 100).toFixed(part < 0.99 ? 0 : 2))} %`
}
