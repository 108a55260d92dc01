import * as v from 'valibot'
import type { OutputValue, Outputs } from './contract/outputs.js'
import { finite, listOf } from './primitives.js'
import { parseWith } from './parse.js'

/** A golden vector: what training says the answer is. Only the outputs that it names are compared. */
export const GoldenVectorSchema = v.object({
  input: v.record(v.string(), v.union([finite, v.string(), v.boolean()])),
  output: v.record(v.string(), v.union([finite, v.boolean()])),
})
export type GoldenVector = v.InferOutput<typeof GoldenVectorSchema>

export const SelfTestSchema = v.object({
  vectors: listOf(GoldenVectorSchema, 0, 200),
  /** An answer agrees when |answer − expected| ≤ absolute + relative × |expected|. */
  tolerance: v.object({ absolute: finite, relative: finite }),
  /** What `publish` found when it replayed them; `skipped` is written down for everyone to see. */
  replay: v.picklist(['passed', 'skipped']),
})
export type SelfTest = v.InferOutput<typeof SelfTestSchema>

/**
 * Parses the golden vectors of a descriptor.
 *
 * @throws AfieldError `descriptor/invalid`.
 */
export function parseSelfTest(value: unknown): SelfTest {
  return parseWith(SelfTestSchema, value, 'descriptor/invalid', 'The self-test')
}

/** One golden vector that an engine answered differently. */
export interface Disagreement {
  readonly vector: number
  readonly output: string
  readonly expected: number | boolean
  readonly actual: OutputValue | undefined
}

/**
 * Compares an engine's answers with the golden vectors, one answer a vector and in their order.
 *
 * @returns the first disagreement, or `undefined` when all agree. NaN agrees with nothing.
 */
export function findDisagreement(selfTest: SelfTest, answers: readonly Outputs[]): Disagreement | undefined {
  for (const [vector, golden] of selfTest.vectors.entries()) {
    const output = disagreeingOutput(golden, answers[vector], selfTest.tolerance)
    if (output !== undefined) {
      const expected = golden.output[output] ?? Number.NaN
      return { vector, output, expected, actual: answers[vector]?.[output] }
    }
  }
  return undefined
}

/** A sentence for people: which vector, what was promised, what came. */
export function describeDisagreement({ vector, output, expected, actual }: Disagreement): string {
  return `golden vector ${vector + 1} promises ${output} = ${shorten(expected)}, the model says ${shorten(actual)}`
}

function disagreeingOutput(
  golden: GoldenVector,
  answer: Outputs | undefined,
  tolerance: SelfTest['tolerance'],
): string | undefined {
  return Object.entries(golden.output).find(([name, expected]) => {
    const actual = answer?.[name]
    if (typeof expected !== 'number' || typeof actual !== 'number') return actual !== expected
    return !(Math.abs(actual - expected) <= tolerance.absolute + tolerance.relative * Math.abs(expected))
  })?.[0]
}

function shorten(value: OutputValue | undefined): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(5))) : String(value)
}
