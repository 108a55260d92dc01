import * as v from 'valibot'
import { text } from '../primitives.js'

const NOT_FREE = 'this name is not free in JavaScript'

/** What an app calls a field or an output. */
export const NameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a name of letters, digits and _'),
  // What JavaScript and the schema library do with these would lose a value in silence.
  v.check((name) => !['__proto__', 'constructor', 'prototype'].includes(name), NOT_FREE),
)

/** What a graph calls a tensor. */
export const TensorNameSchema = v.pipe(
  text(1, 256),
  v.check((name) => name !== '__proto__', NOT_FREE),
)

export const DescriptionSchema = v.optional(text(0, 500))

export function uniqueNames(items: readonly { readonly name: string }[]): boolean {
  return new Set(items.map(({ name }) => name)).size === items.length
}
