import {
  AfieldError,
  asAfieldError,
  recordKind,
  tensorsKind,
  type Input,
  type InputKindCode,
} from '@afield/protocol'
import type { KindUrls } from './messages.js'

/** The code of a kind of input, by its name. */
export type KindOf = (kind: string) => Promise<InputKindCode<Input>>

/** What nearly every model takes is part of the engine; the rest is fetched when the first such model comes. */
const BUILT_IN: Readonly<Record<string, InputKindCode<Input>>> = { record: recordKind, tensors: tensorsKind }

/**
 * Finds the code for a kind of input in the engine, or loads it from where the page said that it is.
 *
 * @throws AfieldError `platform/unsupported` for a kind that this version does not know, `engine/runtime-unavailable`
 *   when its code cannot be loaded.
 */
export function kindsFrom(urls: KindUrls): KindOf {
  return async (kind) => {
    const known = Object.hasOwn(BUILT_IN, kind) ? BUILT_IN[kind] : undefined
    if (known) return known
    const url = Object.hasOwn(urls, kind) ? urls[kind as keyof KindUrls] : undefined
    if (url === undefined) {
      throw new AfieldError(
        'platform/unsupported',
        `This version of Afield does not run models of kind "${kind}". Update the afield package.`,
      )
    }
    try {
      const module = (await import(/* @vite-ignore */ url)) as { readonly default: InputKindCode<Input> }
      const code = module.default
      return {
        schema: code.schema,
        createEncoder: (input, assets) => code.createEncoder(input, assets, urls),
      }
    } catch (cause) {
      throw asAfieldError(cause, 'engine/runtime-unavailable', `${url} could not be loaded`)
    }
  }
}
