import { writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import {
  ContractSchema,
  FilePathSchema,
  ModelNameSchema,
  type Contract,
  type ModelName,
} from '@afield/protocol'
import * as v from 'valibot'
import { parseWritten } from '../parse.js'
import { blankItems, missingItems, type Item } from '../publish/checklist.js'
import { CONFIG_FILE, configPlaces, type Config, type FoundConfig } from '../publish/config.js'
import { readOptionalInput } from '../publish/read-input.js'
import { hasCode, parseJsonFile } from '../read-file.js'

const TOLERANCE = { absolute: 1e-4, relative: 1e-3 }
const SLO = { class: 'interactive', maxFailureRate: 0.01, availability: 0.999 } as const

/** The part of a config that a development server needs; the rest is for publishing. */
const DevConfigSchema = v.looseObject({
  name: v.optional(ModelNameSchema),
  contract: v.optional(ContractSchema),
  tolerance: v.optional(v.object({ absolute: v.number(), relative: v.number() })),
  assets: v.optional(v.array(FilePathSchema)),
})

/** A config as it lies on the disk, finished or not. */
export interface WrittenConfig {
  readonly path: string
  readonly value: v.InferOutput<typeof DevConfigSchema>
  /** What `publish` will ask for. */
  readonly missing: readonly Item[]
}

/**
 * Reads the config of a model, if it has one.
 *
 * @throws CliError `config/invalid`, `file/unreadable`.
 */
export async function readDevConfig(model: string): Promise<WrittenConfig | undefined> {
  for (const path of configPlaces(model)) {
    const bytes = await readOptionalInput(path, 'config')
    if (!bytes) continue
    const written = parseJsonFile(bytes, 'config/invalid', path)
    const value = parseWritten(DevConfigSchema, written, 'config/invalid', path)
    return {
      path: resolve(path),
      value,
      missing: missingItems(written).map(({ at, write }) => ({ at, write })),
    }
  }
  return undefined
}

/**
 * Writes a config beside a model: what was inferred, and marked as such, what only a person knows. A file that is
 * there is never replaced.
 *
 * @returns its path; `undefined` where it may not be written.
 */
export async function writeDraft(model: string, contract: Contract): Promise<string | undefined> {
  const path = join(dirname(resolve(model)), CONFIG_FILE)
  const { owner, checklist, card } = blankItems()
  const draft = { name: modelName(model), owner, checklist, card, contract, slo: SLO, tolerance: TOLERANCE }
  return (await writeConfig(path, draft, 'wx')) ? path : undefined
}

/** Puts a contract in the place of the one that a config has; all else in the file stays. */
export async function rewriteContract(path: string, contract: Contract): Promise<boolean> {
  const bytes = await readOptionalInput(path, 'config')
  if (!bytes) return false
  const written = parseJsonFile(bytes, 'config/invalid', path) as object
  return writeConfig(path, { ...written, contract }, 'w')
}

/** False where it may not be written. */
async function writeConfig(path: string, config: object, flag: 'w' | 'wx'): Promise<boolean> {
  try {
    await writeFile(path, `${JSON.stringify(config, null, 2)}\n`, { flag })
    return true
  } catch (error) {
    if (['EEXIST', 'EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code))) return false
    throw error
  }
}

/**
 * The config under which a development server publishes to itself. Owner, checklist and card say what it is, so that a
 * descriptor that got out could not pass for a finished one.
 */
export function developmentConfig(
  model: string,
  contract: Contract,
  written: WrittenConfig | undefined,
): FoundConfig {
  const note = 'Made by afield dev; not for production.'
  const config: Config = {
    name: written?.value.name ?? modelName(model),
    owner: note,
    checklist: { pattern: 'direct', fallback: note, metrics: [note], rollback: note },
    card: {
      type: note,
      trainingDate: note,
      framework: note,
      intendedUse: note,
      users: note,
      dataSource: note,
      dataSize: note,
      limitations: note,
    },
    contract,
    slo: SLO,
    tolerance: written?.value.tolerance ?? TOLERANCE,
    ...(written?.value.assets ? { assets: written.value.assets } : {}),
  }
  return { config, dir: written ? dirname(written.path) : dirname(resolve(model)) }
}

/** `Churn Model v2.onnx` → `churn-model-v2`; a version at the end of a file's name is none of the model's. */
function modelName(path: string): ModelName {
  const plain = basename(path)
    .replace(/\.onnx$/i, '')
    .replace(/[-_.]?v?\d+\.\d+\.\d+$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64)
  return (plain || 'model') as ModelName
}
