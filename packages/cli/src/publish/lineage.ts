import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { sha256, type Descriptor, type Sha256 } from '@afield/protocol'
import type { FoundConfig } from './config.js'
import type { Metrics } from './metrics.js'
import { readInput } from './read-input.js'

/**
 * Where a version comes from: data, code, features, environment, evaluation. The metrics file knows the data best;
 * without it, the CSV of the reference profile counts as the data.
 *
 * @throws CliError `file/missing` for a lock file that is named and not there.
 */
export async function lineageOf(
  modelPath: string,
  { config, dir }: FoundConfig,
  metrics: Metrics,
  reference: Sha256 | undefined,
): Promise<Descriptor['lineage']> {
  const trainingData = metrics.trainingData ?? reference
  const codeRevision = config.lineage?.codeRevision ?? (await gitRevision(dirname(modelPath)))
  const { featureVersion, lockFile } = config.lineage ?? {}
  return {
    ...(trainingData ? { trainingData } : {}),
    ...(codeRevision === undefined ? {} : { codeRevision }),
    ...(featureVersion === undefined ? {} : { featureVersion }),
    ...(lockFile === undefined
      ? {}
      : { lockFile: await sha256(await readInput(join(dir, lockFile), 'lock file')) }),
    ...(Object.keys(metrics.evaluation).length > 0 ? { evaluation: metrics.evaluation } : {}),
  }
}

/** The commit, with `-dirty` at its end when tracked files were changed since. */
async function gitRevision(folder: string): Promise<string | undefined> {
  try {
    const args = ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
    const { stdout } = await promisify(execFile)('git', args)
    return stdout.trim() || undefined
  } catch {
    // No git, or no repository: both are ordinary.
    return undefined
  }
}
