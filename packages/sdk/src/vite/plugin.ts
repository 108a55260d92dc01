import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Plugin, ResolvedConfig, ViteDevServer } from 'vite'
import { writeServiceWorker } from './service-worker.js'
import { serveRepository } from './serve-repository.js'
import { writeTypes } from './write-types.js'

export interface AfieldPluginOptions {
  /** Folder of a local repository, from the project's root; default `afield-repo`, where there is one. */
  readonly repository?: string
  /** Where development and preview serve it; default `/models/`. A build leaves that to the site's host. */
  readonly path?: string
  /** The declarations that teach TypeScript the repository's models; `false` for none. */
  readonly types?: string | false
  /**
   * Writes `sw.js` beside the page at the end of a build: a service worker that keeps every file the build wrote, so
   * that the app starts without a network. The app registers it. `worker` is a script of its own, which calls
   * `serveOffline(__OFFLINE__)` of `afield/service-worker`.
   */
  readonly offline?: boolean | { readonly worker: string }
}

/**
 * Afield in Vite: a local repository in development, its models' types, and an app that starts offline.
 *
 * @example
 * // vite.config.ts
 * import { defineConfig } from 'vite'
 * import { afield } from 'afield/vite'
 * export default defineConfig({ plugins: [afield({ repository: 'models-repo' })] })
 */
export function afield({
  repository = 'afield-repo',
  path = '/models/',
  types = 'src/afield-models.d.ts',
  offline = false,
}: AfieldPluginOptions = {}): Plugin {
  let config: ResolvedConfig
  const folder = (): string => resolve(config.root, repository)
  const declare = async (): Promise<void> => {
    if (types === false || !existsSync(timestampOf(folder()))) return
    try {
      await writeTypes(folder(), resolve(config.root, types))
    } catch (error) {
      config.logger.warn(`afield: no types of the models in ${repository}: ${String(error)}`)
    }
  }

  return {
    name: 'afield',
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
    },
    async configureServer(server: ViteDevServer) {
      server.middlewares.use(serveRepository(folder(), path))
      const timestamp = timestampOf(folder())
      server.watcher.add(timestamp)
      server.watcher.on('all', (_event, file) => {
        if (resolve(file) === timestamp) void declare()
      })
      await declare()
    },
    configurePreviewServer(server) {
      server.middlewares.use(serveRepository(folder(), path))
    },
    closeBundle: {
      order: 'post',
      async handler() {
        if (config.command !== 'build' || offline === false) return
        const entry = offline === true ? undefined : resolve(config.root, offline.worker)
        await writeServiceWorker(resolve(config.root, config.build.outDir), entry)
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
