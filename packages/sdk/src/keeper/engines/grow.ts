import { engineModel, modelBytes } from '../activation/engine-model.js'
import { withinLimit } from '../activation/trials.js'
import type { Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { storedRunning } from './running-version.js'

/** Starts another engine of what serves on a route; `undefined` when something else serves by then. */
export async function grow(ports: Ports, { routes }: Rooms, route: string): Promise<number | undefined> {
  const activator = routes.get(route)
  const running = activator?.running
  const stored = running && (await storedRunning(activator))
  if (!running || !stored) return undefined
  const { backend } = running.served
  const engine = await ports.host.openEngine({
    role: 'pool',
    runtime: running.terms.engine.build,
    modelBytes: modelBytes(stored),
  })
  try {
    const model = engineModel(activator.model, stored, backend)
    // The version proved itself on WASM. Another backend proves anew that it is what runs, which warms it up too.
    const load = engine.load(backend === 'wasm' ? { ...model, selfTest: undefined } : model)
    await withinLimit(ports.clock, load)
    if (activator.running?.engine === running.engine) return engine.id
  } catch (error) {
    engine.close()
    throw error
  }
  engine.close()
  return undefined
}
