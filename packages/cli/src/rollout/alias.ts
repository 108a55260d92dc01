import { AliasSchema, type Alias, type ModelIndex, type Rollout } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import type { RolloutAction } from './action.js'
import type { RolloutState } from './apply.js'
import { refuse } from './refuse.js'
import { requireRunnable } from './versions.js'

type AliasAction = Extract<RolloutAction, { readonly kind: 'alias' }>

/** Sets, moves or takes away a name that apps load by. Assignment never looks at it. */
export function setAlias(current: Rollout, index: ModelIndex, action: AliasAction): RolloutState {
  const alias = parseAlias(action.alias)
  const { [alias]: held, ...others } = current.aliases ?? {}
  if (action.version === undefined) {
    if (held === undefined) {
      const known = Object.keys(others).join(', ') || 'none'
      throw refuse(`${index.name} has no alias "${alias}". It has: ${known}`)
    }
    return { ...current, aliases: others }
  }
  const version = requireRunnable(index, action.version)
  if (held === version) throw refuse(`"${alias}" is ${version} already`)
  return { ...current, aliases: { ...others, [alias]: version } }
}

function parseAlias(text: string): Alias {
  const result = v.safeParse(AliasSchema, text)
  if (result.success) return result.output
  throw new CliError('usage', `"${text}" is not an alias: ${result.issues[0].message}.`)
}
