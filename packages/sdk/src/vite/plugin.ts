import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Connect, Plugin, ResolvedConfig, ViteDevServer } from 'vite'
import { BACKENDS, type Backend } from '@afield/protocol'
import { refuseClashes, type Claims } from './claims.js'
import { gpuFiles } from './gpu-files.js'
import { writeServiceWorker } from './service-worker.js'
import { serveRepository } from './serve-repository.js'
import { writeTypes } from './write-types.js'

export interface AfieldPluginOptions {
  /** Folder of a local repository, from the project's root; default `afield-repo`, where there is one. */
  readonly repository?: string
  /**
   * Where development and preview serve it, whatever `base` is; default `/models/`. A build leaves that to the site's
   * host.
   */
  readonly path?: string
  /** The declarations that teach TypeScript the repository's models; `false` for none. */
  readonly types?: string | false
  /**
   * Writes `sw.js` beside the page at the end of a build: a service worker that keeps every file the build wrote, so
   * that the app starts without a network. The app registers it. `worker` is a script of its own, which calls
   * `serveOffline(__OFFLINE__)` of `afield/service-worker`. The files for GPUs are not downloaded by every visitor: they
   * are kept from the moment when a device first uses them.
   */
  readonly offline?: boolean | { readonly worker: string }
  /**
   * What the app's models may run on; default all. `['wasm']` leaves some 44 MB of files for GPUs out of a build, one of
   * them larger than the 25 MiB that some hosts take: every device then stays on WASM.
   */
  readonly backends?: readonly Backend[]
}

/** The module that names the files for GPUs, and so has bundlers copy them. */
const GPU_FILES = fileURLToPath(new URL('../gpu-files.js', import.meta.url))
const DEFAULT_REPOSITORY = 'afield-repo'

/**
 * Afield in Vite: a local repository in development, its models' types, and an app that starts offline.
 *
 * @throws Error when Vite reads its configuration: for a `path` that would take the whole site, for two plugins that
 *   want the same path or file, and for `offline` with a `base` on another origin.
 * @example
 * // vite.config.ts
 * import { defineConfig } from 'vite'
 * import { afield } from 'afield/vite'
 * export default defineConfig({ plugins: [afield({ repository: 'models-repo' })] })
 */
export function afield({
  repository,
  path = '/models/',
  types = 'src/afield-models.d.ts',
  offline = false,
  backends = BACKENDS,
}: AfieldPluginOptions = {}): Plugin<Claims> {
  let config: ResolvedConfig
  let declaring: Promise<void> = Promise.resolve()
  /** Folders of this build, and the files in each that are for GPUs. */
  const written = new Map<string, ReadonlySet<string>>()
  const withGpu = backends.some((backend) => backend !== 'wasm')
  const below = ['', ...path.split('/').filter(Boolean), ''].join('/')
  const folder = (): string => resolve(config.root, repository ?? DEFAULT_REPOSITORY)

  const declare = async (): Promise<void> => {
    if (types === false || !existsSync(timestampOf(folder()))) return
    try {
      await writeTypes(folder(), resolve(config.root, types))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      config.logger.warn(`afield: no types of the models in ${folder()}: ${why}`)
    }
  }

  const serve = (middlewares: Connect.Server): void => {
    const found = existsSync(timestampOf(folder()))
    if (repository !== undefined && !found) {
      config.logger.warn(
        `afield: ${folder()} holds no repository yet. Make one with: npx @afield/cli init ${repository}`,
      )
    }
    const handler = serveRepository(folder(), below)
    middlewares.use((request, response, next) => {
      // Nobody asked for this folder, and the app may have files of its own there, such as a seed.
      if (repository === undefined && !existsSync(folder())) next()
      else handler(request, response, next)
    })
  }

  return {
    name: 'afield',
    api: { path: below, types, offline: offline !== false },
    config: ({ build }) => ({
      // Its workers lie beside its modules, which Vite's optimiser would move away from them.
      optimizeDeps: {
        exclude: ['afield'],
        include: ['@afield/protocol', '@afield/protocol/counting'].map((name) => `afield > ${name}`),
      },
      // A script in a data: URL is no file: it would be downloaded by those who never need it.
      build: build?.assetsInlineLimit === undefined ? { assetsInlineLimit: keepFiles } : {},
    }),
    configResolved(resolved) {
      config = resolved
      refuseClashes(resolved)
    },
    async configureServer(server: ViteDevServer) {
      serve(server.middlewares)
      const timestamp = timestampOf(folder())
      server.watcher.add(timestamp)
      server.watcher.on('all', (_event, file) => {
        if (resolve(file) === timestamp) declaring = declaring.then(declare)
      })
      declaring = declare()
      await declaring
    },
    configurePreviewServer(server) {
      serve(server.middlewares)
    },
    load(id) {
      const [file = ''] = id.split('?')
      return !withGpu && resolve(file) === GPU_FILES ? 'export function gpuEngineFiles() {}' : undefined
    },
    writeBundle(_options, bundle) {
      const { consumer, build } = this.environment.config
      if (consumer === 'client') written.set(resolve(config.root, build.outDir), gpuFiles(bundle))
    },
    closeBundle: {
      order: 'post',
      sequential: true,
      async handler() {
        if (offline === false) return
        const entry = offline === true ? undefined : resolve(config.root, offline.worker)
        const folders = [...written]
        // Of a build that failed there is nothing.
        written.clear()
        for (const [outDir, gpu] of folders) await writeServiceWorker(outDir, entry, gpu)
      },
    },
  }
}

function timestampOf(folder: string): string {
  return join(folder, 'metadata', 'timestamp.json')
}

function keepFiles(file: string): false | undefined {
  return /[\\/]afield[\\/]dist[\\/]/.test(file) ? false : undefined
}
