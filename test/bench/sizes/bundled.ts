import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

export interface Bundled {
  /** Gzipped bytes of what an app loads first. */
  readonly first: number
  /** Gzipped bytes of what it loads when it is needed. */
  readonly later: number
  /** The packages and files that something was taken from. */
  readonly modules: readonly string[]
  readonly code: string
}

const APP = '\0app'

/** An app of these lines as rolldown would ship it: minified and split. */
export async function bundled(lines: string): Promise<Bundled> {
  const bundle = await rolldown({
    input: APP,
    platform: 'browser',
    plugins: [
      {
        name: 'app',
        resolveId: (id, importer) =>
          id === APP ? id : importer === APP ? import.meta.resolve(id).replace('file://', '') : null,
        load: (id) => (id === APP ? lines : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const sizeOf = (entry: boolean): number =>
    chunks
      .filter(({ isEntry }) => isEntry === entry)
      .reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  const [first] = chunks
  return {
    first: sizeOf(true),
    later: sizeOf(false),
    modules: first
      ? Object.entries(first.modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : []))
      : [],
    code: first?.code ?? '',
  }
}
