import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish, type PublishOptions } from '@afield/cli'
import { startServer, type StaticServer } from '../../servers/static.js'
import { testApp } from '../../support/app/test-app.js'
import { writeHardModel, type HardModelName } from '../../support/models/hard.js'
import { learnerRisk, type ExampleVersion } from '../../support/learner-risk.js'

const CSV = join(import.meta.dirname, '..', '..', '..', 'examples', 'learner-risk', 'data', 'synthetic.csv')

/** A repository of learner-risk with its reference profile, and an app. */
export interface WatchedSite {
  readonly server: StaticServer
  readonly url: string
  readonly repository: string
  readonly root: string
  /** The rows that the profile was made of. */
  readonly rows: readonly { readonly hours_studied: number; readonly quiz_score: number }[]
  publish(version: ExampleVersion, more?: Partial<PublishOptions>): Promise<void>
  publishHard(name: HardModelName, version: string): Promise<void>
  close(): Promise<void>
}

export async function startWatchedSite(): Promise<WatchedSite> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-watched-'))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  const site = {
    async publish(version: ExampleVersion, more: Partial<PublishOptions> = {}): Promise<void> {
      await publish({ repo, model: learnerRisk(version), version, author: 'Tests', reference: CSV, ...more })
    },
    async publishHard(name: HardModelName, version: string): Promise<void> {
      const dir = await mkdtemp(join(folder, 'hard-'))
      await publish({ repo, model: await writeHardModel(dir, name), version, author: 'Tests' })
    },
  }
  await site.publish('1.0.0')
  const server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  const [, ...lines] = (await readFile(CSV, 'utf8')).trim().split('\n')
  return {
    ...site,
    server,
    url: `${server.url}/app/`,
    repository: `${server.url}/repo/`,
    root: await readFile(root, 'utf8'),
    rows: lines.map((line) => {
      const [hours = 0, score = 0] = line.split(',').map(Number)
      return { hours_studied: hours, quiz_score: score }
    }),
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
