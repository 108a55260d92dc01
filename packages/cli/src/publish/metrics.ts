import { Sha256Schema, type Sha256 } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { parseJsonFile } from '../read-file.js'
import { readOptionalInput } from './read-input.js'

const MetricsSchema = v.objectWithRest(
  { data_sha256: v.optional(Sha256Schema), framework: v.optional(v.string()) },
  v.union([v.pipe(v.number(), v.finite()), v.string()]),
)

/** What training says of a version. */
export interface Metrics {
  /** Every number of the file, by name. */
  readonly evaluation: Readonly<Record<string, number>>
  /** Hash of the data that it was trained on. */
  readonly trainingData: Sha256 | undefined
  /** Such as `scikit-learn 1.2.1`. */
  readonly framework: string | undefined
}

const NONE: Metrics = { evaluation: {}, trainingData: undefined, framework: undefined }

/**
 * Reads the metrics of a version: `{"auc": 0.87, …, "data_sha256": "…", "framework": "…"}`. Only a file that was
 * named must be there.
 *
 * @throws CliError `file/missing`, `metrics/invalid`.
 */
export async function readMetrics(path: string, named: boolean): Promise<Metrics> {
  const bytes = await readOptionalInput(path, 'metrics file')
  if (!bytes && named) throw new CliError('file/missing', `There is no metrics file at ${path}.`)
  if (!bytes) return NONE
  const value = parseJsonFile(bytes, 'metrics/invalid', path)
  const metrics = parseWritten(MetricsSchema, value, 'metrics/invalid', path)
  const numbers = Object.entries(metrics).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  )
  return {
    evaluation: Object.fromEntries(numbers),
    trainingData: metrics.data_sha256,
    framework: metrics.framework,
  }
}
