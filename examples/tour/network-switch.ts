import { isGateState, type GateMessage, type GateState } from './network-gate.js'

const WAIT_MS = 10_000

/**
 * The switch that takes this browser's network away: not a pretence of the page, but a gate in its service worker,
 * which the requests of the SDK's workers pass too.
 */
export interface NetworkSwitch {
  readonly on: boolean
  set(on: boolean): Promise<void>
  subscribe(listener: (on: boolean) => void): void
}

/**
 * Registers the service worker and waits until it controls this page.
 *
 * @throws Error where the browser has no service workers or none takes control in time.
 */
export async function openNetworkSwitch(script: string): Promise<NetworkSwitch> {
  const { serviceWorker } = navigator
  if (!serviceWorker) throw new Error('this browser has no service workers here')
  reloadForAnotherBuild(serviceWorker)
  await serviceWorker.register(script)
  const { active } = await serviceWorker.ready
  // A forced reload leaves a page without its worker until the worker claims it.
  if (!serviceWorker.controller) active?.postMessage({ type: 'claim' } satisfies GateMessage)
  await controlled(serviceWorker)

  const listeners = new Set<(on: boolean) => void>()
  let on = (await ask(serviceWorker)).open
  const hear = (state: GateState): void => {
    if (state.open === on) return
    on = state.open
    for (const listener of listeners) listener(on)
  }
  serviceWorker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isGateState(data)) hear(data)
  })
  return {
    get on() {
      return on
    },
    set: async (next) => hear(await ask(serviceWorker, next)),
    subscribe: (listener) => void listeners.add(listener),
  }
}

/** The page came from an older build's cache, perhaps with the root of a repository that is gone. */
function reloadForAnotherBuild(serviceWorker: ServiceWorkerContainer): void {
  if (!serviceWorker.controller) return
  serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
}

function controlled(serviceWorker: ServiceWorkerContainer): Promise<void> {
  if (serviceWorker.controller) return Promise.resolve()
  return new Promise((resolve, reject) => {
    serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true })
    setTimeout(() => reject(new Error('the service worker did not take control')), WAIT_MS)
  })
}

function ask({ controller }: ServiceWorkerContainer, set?: boolean): Promise<GateState> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (isGateState(data)) resolve(data)
    }
    setTimeout(() => reject(new Error('the service worker did not answer')), WAIT_MS)
    const message: GateMessage = set === undefined ? { type: 'gate' } : { type: 'gate', set }
    if (controller) controller.postMessage(message, [port2])
    else reject(new Error('no service worker controls this page'))
  })
}
