import { AfieldError } from '@afield/protocol'
import { gpuEngineFiles, type EngineFiles } from '../gpu-files.js'
import type { RuntimeBuild } from '../engine/messages.js'
import type { EngineWanted } from '../keeper/ports.js'
import { budgetOf, findRoom } from './budget.js'
import type { EngineClient } from './engine-client.js'
import type { Engines } from './engines.js'

/** A look at a file that takes longer tells nothing. */
const SCRIPT_WITHIN_MS = 10_000

/**
 * An engine beside those that serve.
 *
 * @throws AfieldError `engine/no-room`, `closed`; `platform/unsupported` where the app came without the engine's files.
 */
export async function startFurther(engines: Engines, wanted: EngineWanted): Promise<EngineClient> {
  const { role, runtime } = wanted
  const files = runtime === 'plain' ? {} : await deployed(runtime)
  makeRoom(engines, wanted)
  // A pool has a core for each of its engines.
  const threads = role === 'pool' ? { threads: 1 } : {}
  const engine = engines.start({ ...files, ...threads, module: compiled(engines, runtime) })
  engine.wanted = wanted
  return engine
}

/**
 * Looked for before a worker is started: a browser does not say whether a worker's script is missing or broken, and
 * hosts of single-page apps answer with their page.
 */
async function deployed(build: Exclude<RuntimeBuild, 'plain'>): Promise<EngineFiles> {
  const files = gpuEngineFiles(build)
  if (files && (await isScript(files.script))) return files
  throw new AfieldError(
    'platform/unsupported',
    'This app was deployed without the files for GPUs, so its models stay on WASM.',
  )
}

async function isScript(url: URL): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(SCRIPT_WITHIN_MS) })
    // Whole, so that the worker's start finds it in the cache.
    await response.arrayBuffer()
    return response.ok && /\bjavascript\b/.test(response.headers.get('Content-Type') ?? '')
  } catch {
    // Offline, or slow, or a policy allows workers and no fetch: the worker's own start tells.
    return true
  }
}

/**
 * What an engine compiled serves those after it. On a busy machine of two cores the second was ready with a model of
 * 0.3 MB after 280 ms instead of 510 (plain), 720 instead of 1,600 (jspi), 1,070 instead of 2,020 (asyncify).
 */
function compiled({ alive }: Engines, build: RuntimeBuild): WebAssembly.Module | undefined {
  for (const { module, wanted } of alive.values()) if (module && wanted?.runtime === build) return module
  return undefined
}

/**
 * Ends engines that give way to another.
 *
 * @throws AfieldError `engine/no-room` where that does not make enough room.
 */
export function makeRoom(engines: Engines, wanted: EngineWanted): void {
  const { deviceMemory } = navigator as { readonly deviceMemory?: number }
  const budget = budgetOf(navigator.hardwareConcurrency, deviceMemory)
  const running = [...engines.alive.values()].flatMap((engine) => {
    if (!engine.wanted || engine.wanted === wanted) return []
    // Of a pool that lost the engine it began with, another is what serves.
    const isFirst = engine.owner?.members[0] === engine
    return { ...engine.wanted, ...(isFirst ? { role: 'serving' as const } : {}), engine }
  })
  const leaving = findRoom(wanted, running, budget)
  if (!leaving) {
    throw new AfieldError(
      'engine/no-room',
      'This device has no room for another engine now. Load fewer models at once, or with fewer workers.',
    )
  }
  for (const { engine, role } of leaving) {
    engine.end(new AfieldError('engine/no-room', `An engine (${role}) gave way to another (${wanted.role}).`))
  }
}
