/**
 * Bundles each worker, and the code that workers load when it is needed (telemetry, kinds of input), to one file each, and
 * puts onnxruntime's two files beside them, so that an app's bundler has nothing to resolve inside a worker. `tsc -b`
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

for (const worker of ['keeper', 'engine']) {
  await bundle(join(here, 'src', worker, 'worker.ts'), join(dist, `${worker}.worker.js`))
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
for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
  await copyFile(join(ortDist, file), join(dist, 'ort', file))
}

async function bundle(input, file) {
  const bundled = await rolldown({
    input,
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
