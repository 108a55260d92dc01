import type { TelemetryReport } from 'afield'
import { make, write } from '../element.js'
import { formatBytes, formatCount, plural } from '../format.js'
import { highlightSource } from '../highlight.js'

/** Counts that wait, batches that wait, batches sent, and the bytes themselves. */
export function showTelemetry(
  counts: HTMLElement,
  batches: HTMLElement,
  { state, open, pending, sent, lastSent, drops }: TelemetryReport,
): void {
  const counted = open.reduce((sum, { ops }) => sum + ops.count, 0)
  const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0)
  figures(counts, [
    ['answers held', counted],
    ['batches held', pending.length],
    ['batches sent', sent],
    ...(dropped > 0 ? [['batches dropped', dropped] as const] : []),
  ])
  const shown: Shown[] = [...pending.map((text) => ({ text, state: 'waits' }) as const).reverse()]
  if (lastSent !== undefined) shown.push({ text: lastSent, state: 'sent last' })
  if (state === 'off') empty(batches, 'Telemetry is off: this browser asks sites not to share data.')
  else if (shown.length === 0) empty(batches, 'Nothing was sealed yet. Ask the model something.')
  else keepBatches(batches, shown)
}

interface Shown {
  readonly text: string
  readonly state: 'waits' | 'sent last'
}

function figures(list: HTMLElement, entries: readonly (readonly [string, number])[]): void {
  while (list.children.length > entries.length) list.lastElementChild?.remove()
  for (const [i, [name, count]] of entries.entries()) {
    const entry = list.children[i] ?? list.appendChild(make('div', {}, make('dd'), make('dt')))
    const [value, label] = entry.children
    if (value) write(value, formatCount(count))
    if (label) write(label, name)
  }
}

function empty(list: HTMLElement, text: string): void {
  if (list.textContent !== text) list.replaceChildren(make('p', { class: 'hint' }, text))
}

/** Leaves what is shown already in its place, so that the box does not jump while somebody reads in it. */
function keepBatches(list: HTMLElement, batches: readonly Shown[]): void {
  const key = ({ text, state }: Shown): string => state + text
  const wanted = batches.map(key)
  const before = new Map(
    [...list.querySelectorAll('article')].map((article) => [article.dataset['key'], article]),
  )
  if (wanted.length === before.size && wanted.every((one) => before.has(one))) return
  list.replaceChildren(...batches.map((batch) => before.get(key(batch)) ?? article(batch)))
}

function article(batch: Shown): HTMLElement {
  const { text, state } = batch
  const bytes = new TextEncoder().encode(text).length
  const size = bytes < 1000 ? plural(bytes, 'byte') : `${formatCount(bytes)} bytes (${formatBytes(bytes)})`
  return make(
    'article',
    { 'data-key': state + text, 'data-state': state },
    make('p', { class: 'batch-head' }, make('span', {}, state), size),
    make('pre', {}, ...prettyLines(JSON.parse(text)).map(jsonLine)),
  )
}

interface JsonLine {
  readonly depth: number
  readonly text: string
}

/** A line of JSON; where it is too long for the box, it goes on further in. */
function jsonLine({ depth, text }: JsonLine): HTMLElement {
  const line = make('div', { class: 'line' }, highlightSource(text))
  line.style.setProperty('--depth', String(depth))
  return line
}

/** One line for each member; a histogram stays on one. */
function prettyLines(value: unknown, depth = 0, name = '', comma = ''): readonly JsonLine[] {
  if (!isObject(value)) return [{ depth, text: `${name}${JSON.stringify(value)}${comma}` }]
  const members = Object.entries(value)
  if (members.every(([, member]) => typeof member === 'number')) {
    const inside = members.map(([key, count]) => `${JSON.stringify(key)}: ${String(count)}`).join(', ')
    return [{ depth, text: `${name}{${inside && ` ${inside} `}}${comma}` }]
  }
  return [
    { depth, text: `${name}{` },
    ...members.flatMap(([key, member], i) =>
      prettyLines(member, depth + 1, `${JSON.stringify(key)}: `, i === members.length - 1 ? '' : ','),
    ),
    { depth, text: `}${comma}` },
  ]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
