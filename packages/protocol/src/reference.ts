import * as v from 'valibot'
import { Sha256Schema } from './ids.js'
import { finite, listOf, shapeBy, whole } from './primitives.js'

/** Values of one field that a reference profile lists; the others are counted together. */
export const MAX_CATEGORIES = 50

const counted = { count: whole, missing: whole }

/** How the values of one field or output were spread over the training data. */
const ProfileSchema = shapeBy('kind', {
  numeric: v.pipe(
    v.object({
      kind: v.literal('numeric'),
      ...counted,
      /** Absent when too few rows had a value to say it without pointing at one. */
      min: v.exactOptional(finite),
      max: v.exactOptional(finite),
      mean: v.exactOptional(finite),
      /** Ascending. A value belongs to the bin of the first edge above it, or to the last bin. */
      edges: listOf(finite, 0, 9),
      counts: listOf(whole, 1, Infinity),
    }),
    v.check(({ edges, counts }) => counts.length === edges.length + 1, 'not one bin more than edges'),
    v.check(
      ({ edges }) => edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? edge)),
      'not ascending',
    ),
  ),
  categories: v.object({
    kind: v.literal('categories'),
    ...counted,
    categories: listOf(v.object({ value: v.string(), count: whole }), 0, MAX_CATEGORIES),
    /** Rows with a rarer value than those listed. */
    other: whole,
  }),
})
export type Profile = v.InferOutput<typeof ProfileSchema>

const profiles = v.record(v.string(), ProfileSchema)

/** What drift is measured against: the spread of the training data, of no single row of it. */
export const ReferenceSchema = v.object({
  /** Hash of the file that it was computed from. */
  data: Sha256Schema,
  rows: whole,
  fields: profiles,
  /** The answers to a sample of the rows; absent when none could be asked. */
  outputs: v.exactOptional(v.object({ rows: whole, profiles })),
})
export type ReferenceProfile = v.InferOutput<typeof ReferenceSchema>
