import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import { startServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'

const MODEL = join(import.meta.dirname, '..', '..', 'models', 'digits-mlp.onnx')

/** An app beside a repository that holds the model of 340 kB, 64-256-256-10. */
export interface Digits {
  /** The app's page. */
  readonly url: string
  readonly repository: string
  readonly root: string
  close(): Promise<void>
}

export async function startDigits({ isolated = false } = {}): Promise<Digits> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-digits-'))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  await publish({ repo, model: MODEL, version: '1.0.0', author: 'Bench' })
  await buildApp({
    root: join(import.meta.dirname, '..', '..', 'support', 'app'),
    outDir: join(folder, 'app'),
    base: '/app/',
  })
  const server = await startServer({ mounts: { '/app': join(folder, 'app'), '/repo': repo }, isolated })
  return {
    url: `${server.url}/app/`,
    repository: `${server.url}/repo/`,
    root: await readFile(root, 'utf8'),
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
