import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  changeRollout,
  initRepository,
  publish,
  type Published,
  type RolloutAction,
  type RolloutChanged,
} from '@afield/cli'
import { afterFile } from '../../clean-up.js'
import { startServer, type StaticServer } from '../../servers/static.js'
import {
  MODEL,
  configWithRevision,
  learnerRisk,
  learnerRiskConfig,
  type ExampleVersion,
} from '../../support/learner-risk.js'

export { MODEL, type ExampleVersion }

/** Another model, 340 kB with 64 fields. */
export const DIGITS = 'digits-mlp'

/** A repository on disk, and a real HTTP server in front of it that can fail. */
export interface TestRepository {
  readonly dir: string
  readonly server: StaticServer
  /** Where devices find it. */
  readonly url: string
  /** Its first root, as an app ships it. */
  readonly root: string
  /** Publishes a version of the example. 3.0.0 goes out without the replay that would refuse it. */
  publish(version: ExampleVersion, now?: Date): Promise<Published>
  /** Publishes the very model of a version of the example under another number. */
  publishAs(version: string, model: ExampleVersion, now?: Date): Promise<Published>
  publishDigits(version?: string): Promise<Published>
  rollout(action: RolloutAction, now?: Date): Promise<RolloutChanged>
  /** Paths that devices asked for so far, after the repository's own. */
  requests(): readonly string[]
}

/** Makes a repository with these versions published, and serves it until the file's tests are over. */
export async function makeRepository(
  versions: readonly ExampleVersion[] = ['1.0.0'],
  now?: Date,
): Promise<TestRepository> {
  const dir = await mkdtemp(join(tmpdir(), 'afield-sdk-'))
  afterFile(() => rm(dir, { recursive: true, force: true }))
  const location = { repo: join(dir, 'repository') }
  const { root } = await initRepository(location, now ? { now } : {})
  const [example, digits] = await Promise.all([
    configWithRevision(learnerRiskConfig),
    configWithRevision(inCheckout('test/models/afield.config.json')),
  ])
  const server = await startServer({ mounts: { '/repository': location.repo } })
  afterFile(() => server.close())
  const repository: TestRepository = {
    dir: location.repo,
    server,
    url: `${server.url}/repository/`,
    root: await readFile(root, 'utf8'),
    publish: (version, at = now) =>
      publish({
        ...location,
        model: learnerRisk(version),
        config: example,
        version,
        skipReplay: version === '3.0.0',
        now: at,
        author: 'Tests',
      }),
    publishAs: (version, model, at = now) =>
      publish({
        ...location,
        model: learnerRisk(model),
        config: example,
        version,
        now: at,
        author: 'Tests',
      }),
    publishDigits: (version = '1.0.0') =>
      publish({
        ...location,
        model: inCheckout('test/models/digits-mlp.onnx'),
        config: digits,
        version,
        skipReplay: true,
        now,
        author: 'Tests',
      }),
    rollout: (action, at = now) => changeRollout({ ...location, author: 'Tests', now: at }, MODEL, action),
    requests: () => server.requests.map(({ path }) => path.replace('/repository/', '')),
  }
  for (const version of versions) await repository.publish(version)
  return repository
}

function inCheckout(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}
