import type { AfieldError } from '@afield/protocol'
import { REST_MS } from '../activation/record.js'
import type { Running } from '../activation/serving.js'
import type { BackendReason, Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { triedOn } from './tried.js'
import type { Verdicts } from './verdicts.js'

/** The backend that serves a route failed: WASM serves, and what happened is remembered. */
export async function demote(
  ports: Ports,
  rooms: Rooms,
  verdicts: Verdicts,
  route: string,
  error: AfieldError,
): Promise<void> {
  const running = rooms.routes.get(route)?.running
  if (!running) return rooms.loading.recover(route)
  const { backend: previous, model, version } = running.served
  // Somebody was told before.
  if (previous === 'wasm') return
  const why = reasonOf(error)
  ports.log('warn', `${model} ${version} goes on on WASM, because ${previous} failed.`, error)
  const remembered = verdicts.remember({
    ...triedOn(ports, running.descriptor, running.on),
    outcome: 'lost',
    why,
    message: error.message,
    until: ports.clock.now() + REST_MS,
  })
  await returnToWasm(ports, rooms, route, running, why)
  await remembered
}

/** WASM serves where another backend did. */
export async function returnToWasm(
  { host }: Ports,
  { loading, routes }: Rooms,
  route: string,
  { served }: Running,
  reason: BackendReason,
): Promise<void> {
  const { backend: previous, model, version } = served
  await loading.recover(route)
  const now = routes.get(route)?.running?.served
  if (now?.version !== version) return
  host.emit({ type: 'backend', model, version, backend: now.backend, previous, reason })
}

function reasonOf({ code }: AfieldError): Extract<BackendReason, 'device-lost' | 'wrong-answer' | 'failed'> {
  if (code === 'engine/device-lost') return 'device-lost'
  return code === 'engine/wrong-answer' ? 'wrong-answer' : 'failed'
}
