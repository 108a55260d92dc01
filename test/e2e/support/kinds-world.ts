import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import { startServer, type StaticServer } from '../../servers/static.js'
import { testApp } from '../../support/app/test-app.js'
import { writeKindModel, type KindModel } from '../../support/kind-models.js'
import { isHardModel, writeHardModel, type HardModelName } from '../../support/models/hard.js'

type TestModel = KindModel | HardModelName

/** A repository with models of several kinds, and an app that loads them. */
export interface KindsWorld {
  readonly server: StaticServer
  readonly url: string
  readonly repository: string
  readonly root: string
  /** @param change what its config says differently. */
  publish(name: TestModel, version?: string, change?: object): Promise<void>
  close(): Promise<void>
}

/** @param app folder of a built app; that of the tests when left out. */
export async function startKindsWorld(
  models: readonly TestModel[],
  app: string = testApp(),
): Promise<KindsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-kinds-'))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  const publishModel = async (name: TestModel, version = '1.0.0', change: object = {}): Promise<void> => {
    const dir = join(folder, `${name}-${version}`)
    await mkdir(dir)
    const model = isHardModel(name)
      ? await writeHardModel(dir, name, change)
      : await writeKindModel(dir, name, change)
    await publish({ repo, model, version, author: 'Tests' })
  }
  for (const name of models) await publishModel(name)
  const server = await startServer({ mounts: { '/app': app, '/repo': repo } })
  return {
    server,
    url: `${server.url}/app/`,
    repository: `${server.url}/repo/`,
    root: await readFile(root, 'utf8'),
    publish: publishModel,
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
