import { AfieldError, asAfieldError } from '@afield/protocol'
import type { Activator } from '../activation/activator.js'
import { engineModel } from '../activation/engine-model.js'
import { isBlamed, withinLimit } from '../activation/trials.js'
import type { Engine, Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { giveUpRunning, hasStandIn, storedRunning } from './running-version.js'

/**
 * What serves keeps failing. Its golden vectors are replayed on a fresh engine: where they fail, the version rests and
 * the one before it serves; where they pass, the fresh engine takes over, since the old one may be damaged.
 *
 * @param sustained so many failures that the version rests whatever its golden vectors say, where another that is on the
 *   device may serve, unless the app asked for this very one.
 */
export async function doubt(
  ports: Ports,
  rooms: Rooms,
  route: string,
  error: AfieldError,
  sustained: boolean,
): Promise<void> {
  const { routes, sources } = rooms
  const activator = routes.get(route)
  const doubted = activator?.running?.engine
  if (!activator || !doubted) return
  await routes.turn(activator, async () => {
    // Whatever took over meanwhile has done nothing wrong.
    if (activator.running?.engine !== doubted || !routes.has(activator)) return
    const rests = sustained && (await hasStandIn(activator))
    const failure = rests ? error : await renew(ports, activator)
    if (failure) await giveUpRunning(activator, failure, sources.length > 0)
  })
}

/** @returns why not, where the version is to blame. */
async function renew(ports: Ports, activator: Activator): Promise<AfieldError | undefined> {
  const { running } = activator
  const stored = running && (await storedRunning(activator))
  if (!stored) return undefined
  const { backend } = running.served
  const { engine: facts, modelBytes } = running.terms
  let engine: Engine | undefined
  try {
    engine = await ports.host.openEngine({ role: 'staging', runtime: facts.build, modelBytes })
    const proven = await withinLimit(ports.clock, engine.load(engineModel(activator.model, stored, backend)))
    const terms = { ...running.terms, engine: proven }
    if (await activator.serving.move(engine, running.on, terms)) return undefined
    throw new AfieldError('engine/crashed', 'The fresh engine is gone.')
  } catch (cause) {
    engine?.close()
    const failure = asAfieldError(cause, 'engine/session-failed', 'The session could not be made')
    if (isBlamed(failure)) return failure
    ports.log('warn', `Whether "${activator.model}" still works could not be found out.`, failure)
    return undefined
  }
}
