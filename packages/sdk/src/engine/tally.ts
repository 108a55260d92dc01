import {
  AfieldError,
  ReferenceSchema,
  parseWith,
  type Answer,
  type Profile,
  type ReferenceProfile,
} from '@afield/protocol'
import type { Asked, Profiled, Tallied } from './messages.js'

/** Finds the place of a value among a profile's bins. */
type Place = (value: unknown) => number

interface Counter {
  readonly name: string
  readonly place: Place
  /** Where its bins begin. */
  readonly from: number
}

/**
 * Counts how the records and answers of a version are spread, over the bins of its reference profile. Values stay
 * here: only counts leave.
 */
export class Tally {
  readonly #model: string
  readonly #version: string
  readonly #profiled: readonly Profiled[]
  readonly #fields: readonly Counter[]
  readonly #outputs: readonly Counter[]
  readonly #counts: Float64Array
  #predictions = 0
  #isTold = false

  /** @throws AfieldError `descriptor/invalid` for a profile that cannot be read. */
  constructor(model: string, version: string, reference: unknown) {
    const { fields, outputs }: ReferenceProfile = parseWith(
      ReferenceSchema,
      reference,
      'descriptor/invalid',
      `The reference profile of ${model}@${version}`,
    )
    this.#model = model
    this.#version = version
    this.#profiled = [...profiledIn('field', fields), ...profiledIn('output', outputs?.profiles ?? {})]
    let from = 0
    const counters = this.#profiled.map(({ name, of, profile }) => {
      const { place, bins } = placeIn(profile)
      from += bins
      return { of, counter: { name, place, from: from - bins } }
    })
    this.#fields = counters.flatMap(({ of, counter }) => (of === 'field' ? [counter] : []))
    this.#outputs = counters.flatMap(({ of, counter }) => (of === 'output' ? [counter] : []))
    this.#counts = new Float64Array(from)
  }

  /** Counts what was asked and answered; tests and golden vectors say nothing about the data. */
  count(asked: readonly Asked[], answers: readonly (Answer | AfieldError)[]): void {
    for (const [i, question] of asked.entries()) {
      const answer = answers[i]
      if (!answer || answer instanceof AfieldError || 'golden' in question || question.isTest) continue
      this.#predictions += 1
      this.#countIn(this.#fields, question.input)
      this.#countIn(this.#outputs, answer.outputs)
    }
  }

  /** What was counted since the last time; `undefined` when nothing was, but for the first time. */
  take(): Tallied | undefined {
    if (this.#predictions === 0 && this.#isTold) return undefined
    const tallied: Tallied = {
      model: this.#model,
      version: this.#version,
      predictions: this.#predictions,
      counts: this.#counts.slice(),
      ...(this.#isTold ? {} : { profiled: this.#profiled }),
    }
    this.#counts.fill(0)
    this.#predictions = 0
    this.#isTold = true
    return tallied
  }

  #countIn(counters: readonly Counter[], values: unknown): void {
    const record = values as Readonly<Record<string, unknown>>
    for (const { name, place, from } of counters) {
      const at = from + place(Object.hasOwn(record, name) ? record[name] : undefined)
      this.#counts[at] = (this.#counts[at] ?? 0) + 1
    }
  }
}

function profiledIn(of: Profiled['of'], profiles: Readonly<Record<string, Profile>>): readonly Profiled[] {
  return Object.entries(profiles).map(([name, profile]) => ({ name, of, profile }))
}

/** The last bin is of what is missing; that before it, of categories, of the rarer ones. */
function placeIn(profile: Profile): { readonly place: Place; readonly bins: number } {
  if (profile.kind === 'numeric') {
    const { edges } = profile
    const missing = edges.length + 1
    return {
      // No edge is above or below NaN.
      place: (value) => (typeof value === 'number' && !Number.isNaN(value) ? binOf(value, edges) : missing),
      bins: missing + 1,
    }
  }
  const places = new Map(profile.categories.map(({ value }, i) => [value, i]))
  const other = places.size
  const place = (value: unknown): number => {
    const name = nameOf(value)
    return name === undefined ? other + 1 : (places.get(name) ?? other)
  }
  return { place, bins: other + 2 }
}

/** A value belongs to the bin of the first edge above it. */
function binOf(value: number, edges: readonly number[]): number {
  let bin = 0
  for (const edge of edges) {
    if (value < edge) break
    bin += 1
  }
  return bin
}

/** What a category is called: a text, a yes or no, or the label of an answer. */
function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'object' || value === null || !('label' in value)) return undefined
  return typeof value.label === 'string' ? value.label : undefined
}
