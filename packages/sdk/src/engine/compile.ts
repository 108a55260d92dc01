/** A host that says nothing for this long is given up. */
const ANSWER_WITHIN_MS = 20_000
/** For the whole body, on the slowest connection that is worth waiting for. */
const BODY_WITHIN_MS = 120_000

/**
 * Downloads and compiles onnxruntime's .wasm, streamed so that the browser's cache of compiled code takes part.
 *
 * @throws TypeError or WebAssembly.CompileError when it cannot be had, or not in time.
 */
export async function compileRuntime(wasm: string): Promise<WebAssembly.Module> {
  try {
    return await compileFrom(wasm, 'default')
  } catch (error) {
    // The HTTP cache may hold what a broken host once sent under this name, or wait for a request that stalled.
    if (!(error instanceof WebAssembly.CompileError || error instanceof TypeError)) throw error
    return compileFrom(wasm, 'reload')
  }
}

async function compileFrom(wasm: string, cache: RequestCache): Promise<WebAssembly.Module> {
  // Time limits by signal only: a body that passes through script may miss the browser's cache of compiled code.
  const controller = new AbortController()
  const limit = (ms: number) => setTimeout(() => controller.abort(), ms)
  let timer = limit(ANSWER_WITHIN_MS)
  try {
    const response = await fetch(wasm, { credentials: 'same-origin', cache, signal: controller.signal })
    clearTimeout(timer)
    timer = limit(BODY_WITHIN_MS)
    if (!response.ok) throw new TypeError(`the host answered ${response.status} for ${wasm}`)
    // Hosts that send another type rule out streaming, so the bytes are gathered first.
    const typed = response.headers.get('content-type')?.startsWith('application/wasm')
    return await (typed
      ? WebAssembly.compileStreaming(response)
      : WebAssembly.compile(await response.arrayBuffer()))
  } catch (cause) {
    if (controller.signal.aborted) throw new TypeError(`${wasm} did not come in time`, { cause })
    throw cause
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Has onnxruntime use a module that is already being compiled, where it would begin only after its glue has loaded. It
 * has no setting for that, so the two calls by which its glue gets one are answered here, once, in this worker's realm.
 */
export function provideModule(wasm: string, module: Promise<WebAssembly.Module>): void {
  // Whoever instantiates hears of a failure; until then nobody is there to tell.
  module.catch(() => undefined)
  const { fetch } = globalThis
  const { instantiateStreaming } = WebAssembly
  globalThis.fetch = (input, init) => {
    if (input !== wasm) return fetch(input, init)
    globalThis.fetch = fetch
    return Promise.resolve(new Response(null, { headers: { 'content-type': 'application/wasm' } }))
  }
  WebAssembly.instantiateStreaming = async (_response, imports) => {
    WebAssembly.instantiateStreaming = instantiateStreaming
    const compiled = await module
    const instance = await WebAssembly.instantiate(compiled, imports)
    memory =
      memoryOf(instance.exports) ??
      Object.values(imports ?? {})
        .map(memoryOf)
        .find(Boolean)
    return { module: compiled, instance }
  }
}

let memory: WebAssembly.Memory | undefined

/** Bytes of the WASM memory that onnxruntime runs in; 0 before it does. */
export function heapBytes(): number {
  return memory?.buffer.byteLength ?? 0
}

/** The runtime's memory is its own, or where it may have threads, one that it is given. */
function memoryOf(values: object): WebAssembly.Memory | undefined {
  return Object.values(values).find((value) => value instanceof WebAssembly.Memory)
}
