import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer, type StaticServer } from '../../servers/static.js'
import { afield, afieldIn } from '../../support/cli.js'
import { npm, pack, type Tarball } from './packages.js'
import { VERSIONS, type Tool } from './versions.js'

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'examples', 'learner-risk', 'models')
const APPS = join(import.meta.dirname, '..', 'apps')

/** What an app is told about its models, and what must come out. */
export interface Deployment {
  readonly repository: string
  readonly root: object
  readonly record: Readonly<Record<string, number>>
}

/** A place to make apps in: the packages as they would be published, and a repository with one model. */
export interface Workshop {
  /** Everything lies below it, and goes with it. */
  readonly folder: string
  readonly tarballs: readonly Tarball[]
  /** Serves the repository, on an origin of its own. */
  readonly server: StaticServer
  readonly deployment: Deployment
  /** What the model's golden vector says of the record. */
  readonly answer: Readonly<Record<string, number>>
  /** Makes an app: the files of `apps/NAME` and the shared ones, with the packages and tools installed. */
  makeApp(name: string, tools: readonly Tool[], files?: Readonly<Record<string, string>>): Promise<string>
  /** Installs the packages and tools in a folder that holds an app already. */
  install(folder: string, tools: readonly Tool[]): Promise<void>
  close(): Promise<void>
}

/** Makes a repository that holds learner-risk 1.0.0; in an app's folder, with the module that the app uses it by. */
export async function publishExample(repo: string, app?: string): Promise<void> {
  if (app === undefined) await afield('init', repo)
  else await afieldIn(app, 'init', repo)
  await afield('publish', join(EXAMPLE, 'learner-risk-1.0.0.onnx'), '--version', '1.0.0', '--repo', repo)
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bundlers-'))
  const models = join(folder, 'models-repo')
  await publishExample(models)
  const server = await startServer({ mounts: { '/models': models } })
  await mkdir(join(folder, 'packages'))
  const tarballs = await pack(['@afield/protocol', 'afield'], join(folder, 'packages'))
  const root = JSON.parse(await readFile(join(models, 'metadata', '1.root.json'), 'utf8')) as object
  const [golden] = JSON.parse(
    await readFile(join(EXAMPLE, 'learner-risk-1.0.0.golden.json'), 'utf8'),
  ) as Golden[]
  if (!golden) throw new Error('learner-risk has no golden vector')
  const deployment = { repository: `${server.url}/models/`, root, record: golden.input }

  const install = async (app: string, tools: readonly Tool[]): Promise<void> => {
    const wanted = tools.map((tool) => `${tool}@${VERSIONS[tool]}`)
    await npm(['install', '--prefer-offline', ...wanted, ...tarballs.map(({ file }) => file)], app)
  }
  return {
    folder,
    tarballs,
    server,
    deployment,
    answer: golden.output,
    install,
    makeApp: async (name, tools, files = {}) => {
      const app = await mkdtemp(join(folder, `${name}-`))
      await cp(join(APPS, 'shared'), app, { recursive: true })
      await cp(join(APPS, name), app, { recursive: true })
      await writeFile(join(app, 'deployment.json'), JSON.stringify(deployment))
      await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
      for (const [path, text] of Object.entries(files)) await writeFile(join(app, path), text)
      await install(app, tools)
      return app
    },
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Golden {
  readonly input: Readonly<Record<string, number>>
  readonly output: Readonly<Record<string, number>>
}
