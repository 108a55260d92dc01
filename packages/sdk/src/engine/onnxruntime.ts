import { asAfieldError } from '@afield/protocol'
import { env, InferenceSession } from './builds/plain.js'
import { provideModule } from './compile.js'
import type { RuntimeUrls } from './messages.js'

/** `y = x` for one float, as ONNX bytes in base64: the smallest session there is. */
const IDENTITY_MODEL =
  'CAgSADo3ChAKAXgSAXkiCElkZW50aXR5EgFnWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQDQ=='

env.wasm.numThreads = 1

/** How many threads WASM runs on. onnxruntime takes fewer than it was told where the page is not isolated. */
export function threads(): number {
  return env.wasm.numThreads ?? 1
}

/** Only before onnxruntime starts, which it does once in a realm. */
export function useThreads(count: number): void {
  env.wasm.numThreads = count
}

/**
 * Where a worker gets onnxruntime from: its files, and its .wasm as it is being compiled. In Node, onnxruntime finds
 * its own files.
 */
export function provideRuntime(urls: RuntimeUrls, module: Promise<WebAssembly.Module>): void {
  env.wasm.wasmPaths = urls
  provideModule(urls.wasm, module)
  // onnxruntime imports its glue at its first session; having it by then saves the way. It meets the failure itself.
  import(/* @vite-ignore */ urls.mjs).catch(() => undefined)
}

/** Starts onnxruntime, which has no call for that: it starts before it finds out that there is no model in no bytes. */
export async function startRuntime(): Promise<void> {
  try {
    await InferenceSession.create(new Uint8Array(0), { executionProviders: ['wasm'] })
  } catch {
    // Expected; whether it did start is what {@link proveRuntime} tells.
  }
}

/**
 * Makes and drops a session of the identity: proof that sessions can be made here, and the code for the next is warm.
 *
 * @throws AfieldError `engine/runtime-unavailable`. Permanent for this worker: onnxruntime tries once per realm.
 */
export async function proveRuntime(): Promise<void> {
  const bytes = Uint8Array.from(atob(IDENTITY_MODEL), (char) => char.charCodeAt(0))
  try {
    const session = await InferenceSession.create(bytes, { executionProviders: ['wasm'] })
    await session.release()
  } catch (cause) {
    throw asAfieldError(
      cause,
      'engine/runtime-unavailable',
      'onnxruntime could not start: its files were not reachable (another origin must send Access-Control-Allow-Origin), or this browser has no WebAssembly SIMD',
    )
  }
}
