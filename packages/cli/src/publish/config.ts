import { dirname, join, resolve } from 'node:path'
import {
  BACKENDS,
  CardSchema,
  ChecklistSchema,
  ContractSchema,
  FilePathSchema,
  ModelNameSchema,
  OrtRangeSchema,
  RequirementsSchema,
  RetrainBySchema,
  SloSchema,
  StateEpochSchema,
} from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { parseJsonFile } from '../read-file.js'
import { refuseIncomplete } from './checklist.js'
import { readOptionalInput } from './read-input.js'

const text = (max: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(max))
const notNegative = v.pipe(v.number(), v.finite(), v.minValue(0))

const ToleranceSchema = v.object({ absolute: notNegative, relative: notNegative })

const BackendsSchema = v.pipe(
  v.array(v.picklist(BACKENDS)),
  v.minLength(1),
  v.check((backends) => new Set(backends).size === backends.length, 'a backend is named twice'),
)

/** A file that does what the model does at another precision, or for other devices. */
const VariantSchema = v.pipe(
  v.object({
    variant: v.picklist(['fp32', 'fp16', 'int8']),
    /** From the config's folder; `<model>.<variant>.onnx` beside the model when left out. */
    model: v.exactOptional(FilePathSchema),
    backends: BackendsSchema,
    /** What a device must have to choose it: bytes of memory; features and least limits of its GPU. */
    requires: v.exactOptional(RequirementsSchema),
    /** How far its answers may lie from the golden vectors; the model's own when left out. */
    tolerance: v.exactOptional(ToleranceSchema),
  }),
  v.check(
    ({ backends, requires }) =>
      !backends.includes('wasm') || (requires?.features ?? requires?.limits) === undefined,
    '`features` and `limits` are of a GPU, so no device would run it on wasm: leave wasm out of its `backends`',
  ),
)

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
  tolerance: ToleranceSchema,
  /** What the model file itself may run on; `wasm` and `webgpu`, and `webnn` for fixed shapes, when left out. */
  backends: v.exactOptional(
    v.pipe(
      BackendsSchema,
      v.check((backends) => backends.includes('wasm'), 'needs wasm, which every device starts on'),
    ),
  ),
  /** Of these files and then the model file, a device takes the first that it can run. */
  variants: v.exactOptional(v.pipe(v.array(VariantSchema), v.maxLength(15))),
  lineage: v.optional(
    v.object({
      /** What `git describe` says of the model's folder when left out. */
      codeRevision: v.optional(text(200)),
      featureVersion: v.exactOptional(text(200)),
      /** The lock file that pins what trained the model; its hash is published. */
      lockFile: v.exactOptional(text(300)),
    }),
  ),
  /** Files that belong with the model, such as `labels.txt`. */
  assets: v.exactOptional(
    v.pipe(
      v.array(FilePathSchema),
      v.maxLength(200),
      v.check((paths) => new Set(paths).size === paths.length, 'a file is named twice'),
    ),
  ),
  /** A CSV of training data, which drift is measured against. */
  reference: v.exactOptional(text(300)),
  runtime: v.exactOptional(v.object({ ort: v.exactOptional(OrtRangeSchema) })),
  retrainBy: v.exactOptional(RetrainBySchema),
  stateEpoch: v.exactOptional(StateEpochSchema),
})

/** What `afield.config.json` says of a model: all that does not change from version to version. */
export type Config = v.InferOutput<typeof ConfigSchema>

/** A config, and the folder that it lies in: the files that it names are looked for there. */
export interface FoundConfig {
  readonly config: Config
  readonly dir: string
}

export const CONFIG_FILE = 'afield.config.json'

/** Where the config of a model is looked for, the nearest first. */
export function configPlaces(modelPath: string): readonly string[] {
  const beside = dirname(resolve(modelPath))
  return [beside, dirname(beside), '.'].map((dir) => join(dir, CONFIG_FILE))
}

/**
 * Reads the config of a model: the given file, else `afield.config.json` beside the model, in the folder above it,
 * or in the current folder.
 *
 * @throws CliError `file/missing`; `config/incomplete` naming every missing item of the launch checklist at once;
 *   `config/invalid`.
 */
export async function readConfig(modelPath: string, given: string | undefined): Promise<FoundConfig> {
  const places = given === undefined ? configPlaces(modelPath) : [given]
  for (const path of places) {
    const bytes = await readOptionalInput(path, 'config')
    if (bytes) {
      return { config: parseConfig(parseJsonFile(bytes, 'config/invalid', path), path), dir: dirname(path) }
    }
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
