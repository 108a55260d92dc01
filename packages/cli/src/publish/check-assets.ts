import type { Input } from '@afield/protocol'
import { CliError } from '../errors.js'

/**
 * Checks that the files that a contract names are published with the model.
 *
 * @throws CliError `contract/mismatch` naming the first that is not among the assets.
 */
export function checkAssets(input: Input, assets: readonly string[]): void {
  if (input.kind !== 'text' || input.form !== 'tokens') return
  const named = { tokenizer: input.tokenizer, tokenizerConfig: input.tokenizerConfig }
  for (const [key, path] of Object.entries(named)) {
    if (path === undefined || assets.includes(path)) continue
    throw new CliError(
      'contract/mismatch',
      `input.${key} is ${path}, which is not among the config's assets. ` +
        `Add it: "assets": ${JSON.stringify([...assets, path])}.`,
    )
  }
}
