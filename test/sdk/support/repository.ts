import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
import { afterAll } from 'vitest'
import { startServer, type StaticServer } from '../../servers/static.js'

/** The example model: 2.0.0 is better than 1.0.0, and 3.0.0 broken in a way that only its golden vectors catch. */
export const MODEL = 'learner-risk'
/** Another model, 340 kB with 64 fields. */
export const DIGITS = 'digits-mlp'
export type ExampleVersion = '1.0.0' | '2.0.0' | '3.0.0'

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

const cleanUps: (() => Promise<void>)[] = []

afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** Makes a repository with these versions published, and serves it until the file's tests are over. */
export async function makeRepository(
  versions: readonly ExampleVersion[] = ['1.0.0'],
  now?: Date,
): Promise<TestRepository> {
  const dir = await mkdtemp(join(tmpdir(), 'afield-sdk-'))
  cleanUps.push(() => rm(dir, { recursive: true, force: true }))
  const location = { repo: join(dir, 'repository') }
  const { root } = await initRepository(location, now ? { now } : {})
  const [example, digits] = await Promise.all([
    configIn(dir, 'examples/learner-risk/afield.config.json', 'example'),
    configIn(dir, 'test/models/afield.config.json', 'digits'),
  ])
  const server = await startServer({ mounts: { '/repository': location.repo } })
  cleanUps.push(() => server.close())
  const repository: TestRepository = {
    dir: location.repo,
    server,
    url: `${server.url}/repository/`,
    root: await readFile(root, 'utf8'),
    publish: (version, at = now) =>
      publish({
        ...location,
        model: inCheckout(`examples/learner-risk/models/learner-risk-${version}.onnx`),
        config: example,
        version,
        skipReplay: version === '3.0.0',
        now: at,
        author: 'Tests',
      }),
    publishAs: (version, model, at = now) =>
      publish({
        ...location,
        model: inCheckout(`examples/learner-risk/models/learner-risk-${model}.onnx`),
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

/** A config that names the revision of the code: to ask git for it takes longer than all else in a publish. */
async function configIn(dir: string, original: string, name: string): Promise<string> {
  const config = JSON.parse(await readFile(inCheckout(original), 'utf8')) as object
  const path = join(dir, `${name}.config.json`)
  await writeFile(path, JSON.stringify({ ...config, lineage: { codeRevision: 'tests' } }))
  return path
}

function inCheckout(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}
