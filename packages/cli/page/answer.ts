import type { Output, OutputValue, ScoredLabel, TensorValue } from '@afield/protocol'
import { h } from './dom.js'

const SHOWN_ELEMENTS = 64

/** What of a prediction is shown. */
export interface Shown {
  readonly outputs: Readonly<Record<string, OutputValue>>
  readonly modelVersion: string
  readonly backend: string | undefined
  readonly latencyMs: number
}

/** An answer, large, and where it came from. */
export function answerView(
  { outputs, modelVersion, backend, latencyMs }: Shown,
  contract: readonly Output[],
): HTMLElement {
  const entries = Object.entries(outputs).flatMap(([name, value]) => {
    const output = contract.find((one) => one.name === name)
    return [h('dt', {}, name), h('dd', { 'data-output': name }, ...valueView(value, output))]
  })
  return h(
    'div',
    {},
    h('dl', {}, ...entries),
    h(
      'p',
      { class: 'meta', id: 'meta' },
      `${latencyMs.toFixed(1)} ms · version ${modelVersion} · ${backend}`,
    ),
  )
}

/** An answer in the room of a table's cell. */
export function inShort(value: OutputValue | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return formatNumber(value)
  if (typeof value !== 'object') return String(value)
  if (isTensor(value)) return value.data.length === 1 ? String(value.data[0]) : `[${value.dims.join(', ')}]`
  const best = isList(value) ? value[0] : value
  return best ? `${best.label} ${formatNumber(best.score)}` : ''
}

function valueView(value: OutputValue, output: Output | undefined): readonly (Node | string)[] {
  if (typeof value === 'number') return [formatNumber(value), ...meterOf(value, output)]
  if (typeof value === 'boolean') return [value ? 'yes' : 'no']
  if (typeof value === 'string') return [value]
  if (isTensor(value)) {
    const elements = Array.from(value.data as ArrayLike<unknown>).slice(0, SHOWN_ELEMENTS)
    const more = value.data.length > SHOWN_ELEMENTS ? ', …' : ''
    const shown = elements.map((element) =>
      typeof element === 'number' ? formatNumber(element) : String(element),
    )
    const kind = h('small', { class: 'soft' }, `${value.dtype}[${value.dims.join(', ')}]`)
    return shown.length === 1
      ? [`${shown[0]} `, kind]
      : [kind, h('pre', { tabindex: 0 }, shown.join(', ') + more)]
  }
  if (isList(value)) return value.map((one) => h('div', {}, ...scored(one)))
  return scored(value)
}

function scored({ label, score }: ScoredLabel): readonly (Node | string)[] {
  const shares = score >= 0 && score <= 1
  return [
    `${label} `,
    h('small', { class: 'soft' }, formatNumber(score)),
    ...(shares ? [meter(score, 0, 1, label)] : []),
  ]
}

function meterOf(value: number, output: Output | undefined): readonly Node[] {
  if (output?.kind !== 'value' || output.min === undefined || output.max === undefined) return []
  return [meter(value, output.min, output.max, output.name)]
}

function meter(value: number, min: number, max: number, name: string): HTMLElement {
  return h('meter', { value, min, max, 'aria-label': name })
}

function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)))
}

function isList(value: object): value is readonly ScoredLabel[] {
  return Array.isArray(value)
}

function isTensor(value: object): value is TensorValue {
  return 'dims' in value
}
