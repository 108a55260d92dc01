import { fileURLToPath } from 'node:url'
import { initRepository, publish, type InitOptions, type Published, type PublishOptions } from '@afield/cli'

const inExample = (path: string): string =>
  fileURLToPath(new URL(`../../examples/learner-risk/${path}`, import.meta.url))

/** The example model: 2.0.0 is better than 1.0.0, and 3.0.0 broken in a way that only its golden vectors catch. */
export const MODEL = 'learner-risk'
export type ExampleVersion = '1.0.0' | '2.0.0' | '3.0.0'

/** The ONNX file of a version, with its golden vectors and metrics beside it. */
export const learnerRisk = (version: ExampleVersion): string =>
  inExample(`models/learner-risk-${version}.onnx`)

export const learnerRiskConfig = inExample('afield.config.json')

/** Publishes a version of the example without replaying its golden vectors, which would take most of the time. */
export function publishExample(
  repo: string,
  version: ExampleVersion,
  options: Partial<PublishOptions> = {},
): Promise<Published> {
  return publish({ repo, model: learnerRisk(version), version, skipReplay: true, ...options })
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
