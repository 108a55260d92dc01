import { SelfTestSchema, type GoldenOutput, type GoldenTensor, type SelfTest } from './codec/golden.js'
import type { Outputs, OutputValue, ScoredLabel, TensorValue } from './contract/outputs.js'
import { parseWith } from './parse.js'

type Tolerance = SelfTest['tolerance']

/** One golden vector that an engine answered differently. */
export interface Disagreement {
  readonly vector: number
  readonly output: string
  readonly expected: GoldenOutput
  readonly actual: OutputValue | undefined
}

/** @throws AfieldError `descriptor/invalid`. */
export function parseSelfTest(value: unknown): SelfTest {
  return parseWith(SelfTestSchema, value, 'descriptor/invalid', 'The self-test')
}

/**
 * Compares an engine's answers with the golden vectors, one answer a vector and in their order.
 *
 * @returns the first disagreement, or `undefined` when all agree. NaN agrees with nothing.
 */
export function findDisagreement(
  { vectors, tolerance }: SelfTest,
  answers: readonly Outputs[],
): Disagreement | undefined {
  for (const [vector, golden] of vectors.entries()) {
    for (const [output, expected] of Object.entries(golden.output)) {
      const actual = answers[vector]?.[output]
      if (!agrees(expected, actual, tolerance)) return { vector, output, expected, actual }
    }
  }
  return undefined
}

/** A sentence for people: which vector, what was promised, what came. */
export function describeDisagreement({ vector, output, expected, actual }: Disagreement): string {
  return `golden vector ${vector + 1} promises ${output} = ${shorten(expected)}, the model says ${shorten(actual)}`
}

function agrees(expected: GoldenOutput, actual: OutputValue | undefined, tolerance: Tolerance): boolean {
  if (actual === undefined) return false
  if (typeof expected === 'number') return typeof actual === 'number' && isNear(expected, actual, tolerance)
  if (typeof expected === 'string') return expected === (isLabel(actual) ? actual.label : actual)
  if (typeof expected === 'boolean') return expected === actual
  if ('length' in expected) {
    return isLabels(actual) && expected.every((label) => hasLabel(actual, label, tolerance))
  }
  if ('label' in expected) {
    if (!isLabel(actual) || actual.label !== expected.label) return false
    return expected.score === undefined || isNear(expected.score, actual.score, tolerance)
  }
  return isTensor(actual) && sameTensor(expected, actual, tolerance)
}

/** By label, so that equals may change places; one that just misses the last place may be another's. */
function hasLabel(
  actual: readonly ScoredLabel[],
  { label, score }: { readonly label: string; readonly score?: number },
  tolerance: Tolerance,
): boolean {
  const found = actual.find((one) => one.label === label)
  if (score === undefined) return found !== undefined
  const last = found ?? actual.at(-1)
  return last !== undefined && isNear(score, last.score, tolerance)
}

function sameTensor(expected: GoldenTensor, actual: TensorValue, tolerance: Tolerance): boolean {
  if (String(expected.dims) !== String(actual.dims) || expected.data.length !== actual.data.length)
    return false
  return expected.data.every((element, i) => {
    const value = actual.data[i]
    if (typeof element === 'string' || typeof value === 'bigint') return String(element) === String(value)
    return isNear(Number(element), Number(value), tolerance)
  })
}

function isNear(expected: number, actual: number, { absolute, relative }: Tolerance): boolean {
  return Math.abs(actual - expected) <= absolute + relative * Math.abs(expected)
}

function isLabels(value: OutputValue): value is readonly ScoredLabel[] {
  return Array.isArray(value)
}

function isLabel(value: OutputValue): value is ScoredLabel {
  return typeof value === 'object' && 'label' in value
}

function isTensor(value: OutputValue): value is TensorValue {
  return typeof value === 'object' && 'dims' in value
}

function shorten(value: GoldenOutput | OutputValue | undefined): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(5)))
  if (typeof value !== 'object') return String(value)
  if ('length' in value)
    return `[${value
      .slice(0, 5)
      .map(({ label }) => label)
      .join(', ')}]`
  if ('label' in value)
    return value.score === undefined ? value.label : `${value.label} (${shorten(value.score)})`
  const elements: ArrayLike<unknown> = value.data
  const shown = Array.from({ length: Math.min(5, elements.length) }, (_, i) => {
    const element = elements[i]
    return typeof element === 'number' ? shorten(element) : String(element)
  })
  return `[${value.dims.join(', ')}] of ${shown.join(', ')}${elements.length > 5 ? ', …' : ''}`
}
