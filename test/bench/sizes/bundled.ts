import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

export interface Bundled {
  /** Gzipped bytes of what an app loads first. */
  readonly first: number
  /** Of what `load()` and a prediction load besides, while the workers start. */
  readonly predicting: number
  /** Gzipped bytes of what it loads when it is needed. */
  readonly later: number
  /** The packages and files that something was taken from. */
  readonly modules: readonly string[]
  readonly code: string
}

const APP = '\0app'
/** What every prediction goes through, and what counts it. */
const PREDICTS = /router[\\/](route|recording)\.js$/
const ENGINE = join(import.meta.dirname, '..', '..', '..', 'packages', 'sdk', 'dist', 'engine', 'worker.js')

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
  const [first] = chunks
  // What a script imports statically comes with it.
  const withImports = (files: readonly string[]): ReadonlySet<string> => {
    const all = new Set(files)
    for (const name of all) {
      for (const more of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) all.add(more)
    }
    return all
  }
  const atOnce = withImports(first ? [first.fileName] : [])
  const predicts = chunks.flatMap(({ fileName, moduleIds }) =>
    moduleIds.some((id) => PREDICTS.test(id)) ? [fileName] : [],
  )
  const toPredict = withImports(predicts)
  const sizeOf = (isMeant: (file: string) => boolean): number =>
    chunks
      .filter(({ fileName }) => isMeant(fileName))
      .reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0)
  return {
    first: sizeOf((file) => atOnce.has(file)),
    predicting: sizeOf((file) => toPredict.has(file) && !atOnce.has(file)),
    later: sizeOf((file) => !atOnce.has(file) && !toPredict.has(file)),
    modules: first
      ? Object.entries(first.modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : []))
      : [],
    code: first?.code ?? '',
  }
}

/**
 * Gzipped bytes of the engine's own code, bundled as it is shipped. The file that is shipped holds onnxruntime's
 * JavaScript too.
 */
export async function engineAlone(): Promise<number> {
  const bundle = await rolldown({
    input: ENGINE,
    platform: 'browser',
    external: /^onnxruntime-web/,
    treeshake: { propertyReadSideEffects: false },
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false })
  await bundle.close()
  return gzipSync(output[0].code, { level: 9 }).length
}
