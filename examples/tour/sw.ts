/// <reference lib="webworker" />
import { serveOffline, type OfflineOptions } from 'afield/service-worker'
import { isGateMessage, type GateState } from './network-gate.js'

declare const self: ServiceWorkerGlobalScope
/** Put in place by the build. */
declare const __OFFLINE__: OfflineOptions

const GATE_CACHE = 'tour-network'
const CLOSED = new URL('./network-is-off', self.registration.scope).href

const absolute = (assets: readonly string[] = []): ReadonlySet<string> =>
  new Set(assets.map((asset) => new URL(asset, self.registration.scope).href))
const own = absolute(__OFFLINE__.assets)
const onDemand = absolute(__OFFLINE__.onDemand)

// Before the listener that would fetch what is not kept yet.
self.addEventListener('fetch', (event) => {
  if (open === true || !onDemand.has(event.request.url)) return
  event.stopImmediatePropagation()
  event.respondWith(keptOrPassed(event.request))
})

serveOffline(__OFFLINE__)

const team = new URL('/team/', self.registration.scope).href

/** Kept in Cache Storage too: browsers end an idle service worker and start it again when they like. */
let open: boolean | undefined
const remembered = caches
  .open(GATE_CACHE)
  .then((cache) => cache.match(CLOSED))
  .then((closed) => (open ??= closed === undefined))

self.addEventListener('fetch', (event) => {
  if (open === true || isOwn(event.request) || event.request.url.startsWith(team)) return
  event.respondWith(pass(event.request))
})

self.addEventListener('message', (event) => {
  const message: unknown = event.data
  if (!isGateMessage(message)) return
  if (message.type === 'claim') event.waitUntil(self.clients.claim())
  else event.waitUntil(answer(message.set, event.ports[0]))
})

async function keptOrPassed(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? pass(request)
}

async function pass(request: Request): Promise<Response> {
  await remembered
  return open === true ? fetch(request) : Response.error()
}

async function answer(set: boolean | undefined, port: MessagePort | undefined): Promise<void> {
  await remembered
  if (set !== undefined) await switchTo(set)
  const state: GateState = { type: 'gate-state', open: open === true }
  port?.postMessage(state)
  if (set === undefined) return
  for (const client of await self.clients.matchAll()) client.postMessage(state)
}

async function switchTo(next: boolean): Promise<void> {
  open = next
  const cache = await caches.open(GATE_CACHE)
  if (next) await cache.delete(CLOSED)
  else await cache.put(CLOSED, new Response())
}

/** The page's own files come from this worker's cache, network or not. */
function isOwn(request: Request): boolean {
  const url = new URL(request.url)
  url.search = ''
  url.hash = ''
  return request.method === 'GET' && own.has(url.href)
}
