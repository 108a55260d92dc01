import type { Rolldown } from 'vite'

/** Of `afield/dist`: onnxruntime's builds for GPUs, and the engines that load them. */
const GPU_FILE = /[\\/]?(ort-wasm-simd-threaded|engine)\.(jspi|asyncify)\.(worker\.js|mjs|wasm)$/

/** Names of the files in a build that only a device with a GPU asks for. */
export function gpuFiles(bundle: Rolldown.OutputBundle): ReadonlySet<string> {
  const assets = Object.values(bundle).filter((file) => file.type === 'asset')
  const found = assets.filter(({ names, originalFileNames }) =>
    [...names, ...originalFileNames].some((name) => GPU_FILE.test(name)),
  )
  return new Set(found.map(({ fileName }) => fileName))
}
