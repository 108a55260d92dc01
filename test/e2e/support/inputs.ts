import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import type { AudioInput, ImageInput } from '@afield/protocol'
import { startServer } from '../../servers/static.js'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const SDK = join(REPOSITORY, 'packages', 'sdk', 'dist')
const SENDABLE = join(SDK, 'router', 'sendable.js')

/** What an input became in the worker. */
export interface Encoded {
  readonly dims?: readonly number[]
  readonly data?: readonly number[]
  /** Of a bitmap or a frame: whether the worker gave its memory back. */
  readonly closed?: boolean
  readonly error?: {
    readonly code: string
    readonly message: string
    readonly details: Readonly<Record<string, unknown>>
  }
}

declare global {
  /** What `inputs/page.js` puts on its page. */
  var encode: (kind: string, contract: ImageInput | AudioInput, input: unknown) => Promise<Encoded>
  var file: (name: string) => Promise<File>
}

export interface InputsSite {
  readonly url: string
  close(): Promise<void>
}

/** Serves a page that can send inputs to a worker, which encodes them with the very files that the package ships. */
export async function startInputsSite(): Promise<InputsSite> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-inputs-'))
  const bundle = await rolldown({ input: SENDABLE, platform: 'browser' })
  await bundle.write({ file: join(folder, 'sendable.js'), format: 'esm' })
  const server = await startServer({
    mounts: {
      '/': join(import.meta.dirname, 'inputs'),
      '/code': join(SDK, 'inputs'),
      '/vectors': join(REPOSITORY, 'test', 'protocol', 'vectors'),
      '/built': folder,
    },
  })
  return {
    url: `${server.url}/`,
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a file of the package exports, loaded in Node. */
export async function loadBuilt(path: string): Promise<Readonly<Record<string, unknown>>> {
  return (await import(pathToFileURL(join(SDK, path)).href)) as Readonly<Record<string, unknown>>
}

/** The page's own code for inputs, minified and gzipped, without what the page has anyway. */
export async function sendableBytes(): Promise<number> {
  const bundle = await rolldown({
    input: SENDABLE,
    platform: 'browser',
    external: ['@afield/protocol'],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  return gzipSync(output[0].code).length
}
