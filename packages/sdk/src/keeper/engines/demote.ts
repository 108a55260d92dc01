import type { AfieldError } from '@afield/protocol'
import { REST_MS } from '../activation/record.js'
import type { BackendReason, Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { triedOn } from './tried.js'
import type { Verdicts } from './verdicts.js'

/** The backend that serves a route failed: WASM serves, and what happened is remembered. */
export async function demote(
  ports: Ports,
  { loading, routes }: Rooms,
  verdicts: Verdicts,
  route: string,
  error: AfieldError,
): Promise<void> {
  const activator = routes.get(route)
  const running = activator?.running
  if (!activator || !running) return loading.recover(route)
  const { backend: previous, model, version } = running.served
  // Somebody was told before.
  if (previous === 'wasm') return
  const why = reasonOf(error)
  ports.log('warn', `${model} ${version} goes on on WASM, because ${previous} failed.`, error)
  const until = why === 'wrong-answer' ? {} : { until: ports.clock.now() + REST_MS }
  const remembered = verdicts.remember({
    ...triedOn(ports, running.descriptor, running.on),
    outcome: 'lost',
    why,
    message: error.message,
    ...until,
  })
  await loading.recover(route)
  await remembered
  const now = activator.running
  if (!now || now.served.version !== version) return
  ports.host.emit({ type: 'backend', model, version, backend: now.served.backend, previous, reason: why })
}

function reasonOf({ code }: AfieldError): Extract<BackendReason, 'device-lost' | 'wrong-answer' | 'failed'> {
  if (code === 'engine/device-lost') return 'device-lost'
  return code === 'engine/wrong-answer' ? 'wrong-answer' : 'failed'
}
