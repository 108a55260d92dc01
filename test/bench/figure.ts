/** One measured figure and what it must reach. */
export interface Figure {
  readonly id: string
  readonly value: number
  readonly unit: string
  /** Half the distance between the quartiles, in the same unit. */
  readonly spread: number
  /** What must hold, such as `≤ 1.1` or `≥ 6`; absent for a figure that is only reported. */
  readonly bar?: string
  readonly holds?: boolean
}

export type Bar = { readonly most: number } | { readonly least: number }

/** A figure from samples: their median and spread. */
export function figure(id: string, unit: string, samples: readonly number[], bar?: Bar): Figure {
  const value = round(quantileOf(samples, 0.5))
  const spread = round((quantileOf(samples, 0.75) - quantileOf(samples, 0.25)) / 2)
  return { id, value, unit, spread, ...(bar ? verdict(value, bar) : {}) }
}

function verdict(value: number, bar: Bar): Pick<Figure, 'bar' | 'holds'> {
  return 'most' in bar
    ? { bar: `≤ ${bar.most}`, holds: value <= bar.most }
    : { bar: `≥ ${bar.least}`, holds: value >= bar.least }
}

function quantileOf(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const place = (sorted.length - 1) * q
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
