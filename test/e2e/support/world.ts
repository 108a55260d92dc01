import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess, type CollectorProcess } from '../../collector/collector-process.js'
import { startServer, type StaticServer } from '../../servers/static.js'
import { testApp } from '../../support/app/test-app.js'
import { afield } from '../../support/cli.js'

const MODELS = join(import.meta.dirname, '..', '..', '..', 'examples', 'learner-risk', 'models')

/** A team's whole set-up on this machine: repository, static host, collector, and an app that uses them. */
export interface World {
  readonly server: StaticServer
  readonly collector: CollectorProcess
  /** The app's page. */
  readonly url: string
  /** The repository's root metadata, as the app ships it. */
  readonly root: string
  publish(version: string, ...flags: readonly string[]): Promise<string>
  rollout(...args: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** Starts a world whose repository holds learner-risk 1.0.0, pinned as the stable version. */
export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-e2e-'))
  const repo = join(folder, 'repo')
  await afield('init', repo)
  const publish = (version: string, ...flags: readonly string[]): Promise<string> =>
    afield(
      'publish',
      join(MODELS, `learner-risk-${version}.onnx`),
      '--version',
      version,
      '--repo',
      repo,
      ...flags,
    )
  const rollout = (action: string, ...args: readonly string[]): Promise<string> =>
    afield('rollout', action, 'learner-risk', '--repo', repo, ...args)
  await publish('1.0.0')
  await rollout('start', '--stable', '1.0.0')
  const collector = await startProcess(join(folder, 'telemetry'))
  const server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  return {
    server,
    collector,
    url: `${server.url}/app/`,
    root: await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'),
    publish,
    rollout: (action = 'show', ...args) => rollout(action, ...args),
    close: async () => {
      await server.close()
      await collector.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
