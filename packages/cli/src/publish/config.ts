import { dirname, join, resolve } from 'node:path'
import { CardSchema, ChecklistSchema, ContractSchema, ModelNameSchema, SloSchema } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { parseJsonFile, readIfThere } from '../read-file.js'
import { refuseIncomplete } from './checklist.js'

const text = (max: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(max))
const notNegative = v.pipe(v.number(), v.finite(), v.minValue(0))

const ConfigSchema = v.object({
  name: ModelNameSchema,
  /** Who answers for the model. */
  owner: text(200),
  checklist: ChecklistSchema,
  /** `framework` may be left to the metrics file, which knows the version that trained. */
  card: v.object({ ...CardSchema.entries, framework: v.optional(CardSchema.entries.framework) }),
  contract: ContractSchema,
  slo: SloSchema,
  /** An answer agrees with its golden vector when |answer − expected| ≤ absolute + relative × |expected|. */
  tolerance: v.object({ absolute: notNegative, relative: notNegative }),
  lineage: v.optional(v.object({ codeRevision: v.optional(text(200)) })),
})

/** What `afield.config.json` says of a model: all that does not change from version to version. */
export type Config = v.InferOutput<typeof ConfigSchema>

const CONFIG_FILE = 'afield.config.json'

/**
 * Reads the config of a model: the given file, else `afield.config.json` beside the model, in the folder above it,
 * or in the current folder.
 *
 * @throws CliError `file/missing`; `config/incomplete` naming every missing item of the launch checklist at once;
 *   `config/invalid`.
 */
export async function readConfig(modelPath: string, given: string | undefined): Promise<Config> {
  const beside = dirname(resolve(modelPath))
  const places =
    given === undefined ? [beside, dirname(beside), '.'].map((dir) => join(dir, CONFIG_FILE)) : [given]
  for (const path of places) {
    const bytes = await readIfThere(path)
    if (bytes) return parseConfig(parseJsonFile(bytes, 'config/invalid', path), path)
  }
  throw new CliError(
    'file/missing',
    `There is no config. Looked for: ${places.join(', ')}. Name it with --config.`,
  )
}

function parseConfig(value: unknown, path: string): Config {
  refuseIncomplete(value, path)
  return parseWritten(ConfigSchema, value, 'config/invalid', path)
}
