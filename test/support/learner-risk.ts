import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { initRepository, publish, type InitOptions, type Published, type PublishOptions } from '@afield/cli'
import { afterFile } from '../clean-up.js'

const inExample = (path: string): string =>
  fileURLToPath(new URL(`../../examples/learner-risk/${path}`, import.meta.url))

/** The example model: 2.0.0 is better than 1.0.0, and 3.0.0 broken in a way that only its golden vectors catch. */
export const MODEL = 'learner-risk'
export type ExampleVersion = '1.0.0' | '2.0.0' | '3.0.0'

/** The ONNX file of a version, with its golden vectors and metrics beside it. */
export const learnerRisk = (version: ExampleVersion): string =>
  inExample(`models/learner-risk-${version}.onnx`)

export const learnerRiskConfig = inExample('afield.config.json')

/**
 * Publishes a version of the example without replaying its golden vectors and without asking git for the revision
 * of the code, which would take most of the time.
 */
export async function publishExample(
  repo: string,
  version: ExampleVersion,
  options: Partial<PublishOptions> = {},
): Promise<Published> {
  const config = options.config ?? (await configWithRevision(learnerRiskConfig))
  return publish({ repo, model: learnerRisk(version), version, skipReplay: true, ...options, config })
}

/** A copy of a config, gone with the file's tests, that names a revision of the code. */
export async function configWithRevision(original: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-config-'))
  afterFile(() => rm(folder, { recursive: true, force: true }))
  const config = JSON.parse(await readFile(original, 'utf8')) as object
  const path = join(folder, 'afield.config.json')
  await writeFile(path, JSON.stringify({ ...config, lineage: { codeRevision: 'tests' } }))
  return path
}

/** Makes a repository with these versions of the example. */
export async function makeExample(
  repo: string,
  versions: readonly ExampleVersion[] = ['1.0.0'],
  options: InitOptions = {},
): Promise<string> {
  await initRepository({ repo }, options)
  for (const version of versions) await publishExample(repo, version)
  return repo
}
