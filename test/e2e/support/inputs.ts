import { expect } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import type { AudioInput, ImageInput } from '@afield/protocol'
import type { Page } from '../../browser/browser.js'
import { launchChromium } from '../../browser/chromium.js'
import { imageCases, type ImageCase } from '../../protocol/support/vectors.js'
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
  /** With `encode` and `file`. */
  readonly page: Page
  close(): Promise<void>
}

/** Opens a page that can send inputs to a worker, which encodes them with the very files that the package ships. */
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
  const browser = await launchChromium()
  return {
    page: await browser.open(`${server.url}/`),
    async close() {
      await browser.close()
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

export function vector(name: string): ImageCase {
  const found = imageCases().find((one) => one.name === name)
  if (!found) throw new Error(`There is no vector "${name}".`)
  return found
}

/** The largest difference of two pixels; `NaN` when there are not as many. */
export function difference({ data = [] }: Encoded, expected: ArrayLike<number>): number {
  if (data.length !== expected.length) return Number.NaN
  return Math.max(...data.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))
}

/** What an input that is refused became. */
export function refusal(problem: string, message: string) {
  return {
    error: {
      code: 'input/invalid',
      details: { field: expect.stringMatching(/^(image|audio)$/), problem },
      message: expect.stringContaining(message),
    },
  }
}
