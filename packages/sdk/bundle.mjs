/**
 * Bundles each worker, and the code that workers load when it is needed (telemetry, kinds of input), to one file each, and
 * puts onnxruntime's files beside them, so that an app's bundler has nothing to resolve inside a worker. `tsc -b`
 * has built everything else.
 */
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, 'dist')
const ortDist = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'))

await bundle(join(here, 'src', 'keeper', 'worker.ts'), join(dist, 'keeper.worker.js'))
// One engine for each build of onnxruntime: `src/engine/builds` holds what they differ in.
const BUILDS = { plain: '', jspi: '.jspi', asyncify: '.asyncify' }
for (const [build, ending] of Object.entries(BUILDS)) {
  const file = join(dist, `engine${ending}.worker.js`)
  await bundle(join(here, 'src', 'engine', 'worker.ts'), file, [withBuild(build)])
}
await bundle(join(here, 'src', 'engine', 'remote', 'worker.ts'), join(dist, 'remote.worker.js'))
await bundle(join(here, 'src', 'keeper', 'telemetry', 'telemetry.ts'), join(dist, 'telemetry.js'))
await bundle(join(here, 'src', 'keeper', 'engines', 'engine-calls.ts'), join(dist, 'engine-calls.js'))
const kinds = join(here, 'src', 'engine', 'inputs')
for (const file of await readdir(kinds)) {
  await bundle(join(kinds, file), join(dist, 'inputs', `${basename(file, '.ts')}.js`))
}

// For pages without a bundler: the page's part as one file.
const standalone = await rolldown({
  input: join(here, 'src', 'index.ts'),
  platform: 'browser',
})
await standalone.write({
  file: join(dist, 'standalone.js'),
  format: 'esm',
  codeSplitting: false,
  minify: true,
  comments: { legal: true, annotation: false, jsdoc: false },
  sourcemap: true,
})

await mkdir(join(dist, 'ort'), { recursive: true })
for (const ending of Object.values(BUILDS)) {
  for (const type of ['mjs', 'wasm']) {
    const file = `ort-wasm-simd-threaded${ending}.${type}`
    await copyFile(join(ortDist, file), join(dist, 'ort', file))
  }
}

function withBuild(build) {
  return {
    name: 'build-of-onnxruntime',
    resolveId: {
      filter: { id: /\/builds\/plain\.js$/ },
      handler: () => join(here, 'src', 'engine', 'builds', `${build}.ts`),
    },
  }
}

async function bundle(input, file, plugins = []) {
  const bundled = await rolldown({
    input,
    plugins,
    platform: 'browser',
    // Nothing here reads a property for what the reading does.
    treeshake: { propertyReadSideEffects: false },
    // onnxruntime's glue and .wasm stay files of their own, which browsers can stream, cache and compile once.
    resolve: { conditionNames: ['onnxruntime-web-use-extern-wasm', 'import', 'browser', 'default'] },
    transform: { define: { 'import.meta.url': 'self.location.href' } },
  })
  await bundled.write({
    file,
    format: 'esm',
    minify: true,
    // Hints for bundlers, which have done their work here.
    comments: { legal: true, annotation: false, jsdoc: false },
    codeSplitting: false,
    sourcemap: true,
  })
}
