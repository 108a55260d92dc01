/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope

export interface OfflineOptions {
  /** Changes with every build; what another build cached is deleted once this one is active. */
  readonly version: string
  /** URLs of the app's own files: pages, scripts, workers, onnxruntime's files. Fetched whole at install. */
  readonly assets: readonly string[]
}

/**
 * Makes an app start without a network: its files are cached when the service worker installs, and answered from
 * there. Models are none of its business; they are versioned and verified in IndexedDB. Requests for anything else
 * pass through untouched.
 *
 * @example
 * // sw.js, beside the page
 * import { serveOffline } from 'afield/service-worker'
 * serveOffline({ version: '2026-11-21', assets: ['./', './assets/app-3f2a.js'] })
 */
export function serveOffline({ version, assets }: OfflineOptions): void {
  const prefix = `afield-app ${self.registration.scope} `
  const name = prefix + version
  const urls = assets.map((asset) => new URL(asset, self.registration.scope).href)
  const known = new Set(urls)

  self.addEventListener('install', (event) => {
    // `reload` passes the HTTP cache by: what it holds may belong to another build.
    const requests = urls.map((url) => new Request(url, { cache: 'reload' }))
    event.waitUntil(
      caches
        .open(name)
        .then((cache) => cache.addAll(requests))
        .then(() => self.skipWaiting()),
    )
  })

  self.addEventListener('activate', (event) => {
    event.waitUntil(dropOldBuilds(prefix, name).then(() => self.clients.claim()))
  })

  self.addEventListener('fetch', (event) => {
    const { request } = event
    if (request.method !== 'GET') return
    const url = new URL(request.url)
    url.search = ''
    url.hash = ''
    if (known.has(url.href)) event.respondWith(cachedFirst(name, url.href, request))
  })
}

async function cachedFirst(name: string, url: string, request: Request): Promise<Response> {
  const cache = await caches.open(name)
  return (await cache.match(url)) ?? fetch(request)
}

async function dropOldBuilds(prefix: string, current: string): Promise<void> {
  const names = await caches.keys()
  await Promise.all(
    names.filter((one) => one.startsWith(prefix) && one !== current).map((one) => caches.delete(one)),
  )
}
