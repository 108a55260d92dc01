import { ChangeSchema, type Change, type Root } from '@afield/protocol'
import * as v from 'valibot'

/** TUF lets metadata hold further fields; this one keeps who changed the keys, when and why. */
const FIELD = 'x-afield-change'

export function withRootChange(root: Root, change: Change): Root {
  return { ...root, [FIELD]: change } as Root
}

/** `undefined` for the first root, and for those of other tools. */
export function rootChange(root: Root): Change | undefined {
  const result = v.safeParse(ChangeSchema, (root as Root & { readonly [FIELD]?: unknown })[FIELD])
  return result.success ? result.output : undefined
}
