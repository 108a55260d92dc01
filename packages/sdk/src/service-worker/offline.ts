/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope

export interface OfflineOptions {
  /**
   * Changes with every build. Once a build is active, only what the one before it cached is kept beside its own, for
   * pages that are still open.
   */
  readonly version: string
  /** URLs of the app's own files: pages, scripts, workers, onnxruntime's files. Fetched whole at install. */
  readonly assets: readonly string[]
  /**
   * URLs of files that few devices need, such as onnxruntime's builds for GPUs. Fetched when one asks for them, and
   * kept from then on.
   */
  readonly onDemand?: readonly string[]
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
export function serveOffline({ version, assets, onDemand = [] }: OfflineOptions): void {
  const prefix = `afield-app ${self.registration.scope} `
  const name = prefix + version
  const urls = assets.map((asset) => new URL(asset, self.registration.scope).href)
  const known = new Set(urls)
  const wanted = new Set(onDemand.map((asset) => new URL(asset, self.registration.scope).href))
  /** What open pages of the build before may still ask for, such as a worker; `undefined` until it is read. */
  let older: ReadonlyMap<string, string> | undefined
  const readOlder = async (): Promise<void> => {
    try {
      older = await olderAssets(prefix, name)
    } catch (error) {
      console.warn('afield: what the build before cached cannot be read', error)
      older = new Map()
    }
  }
  const reading = readOlder()

  self.addEventListener('install', (event) => {
    // `reload` passes the HTTP cache by: what it holds may belong to another build.
    const requests = urls.map((url) => new Request(url, { cache: 'reload' }))
    event.waitUntil(install(name, requests).then(() => self.skipWaiting()))
  })

  self.addEventListener('activate', (event) => {
    const tidied = dropOldBuilds(prefix, name).then(readOlder)
    event.waitUntil(tidied.then(() => self.clients.claim()))
  })

  self.addEventListener('fetch', (event) => {
    const { request } = event
    if (request.method !== 'GET') return
    const url = new URL(request.url)
    url.search = ''
    url.hash = ''
    const { href } = url
    if (known.has(href)) event.respondWith(cachedFirst(name, href, request))
    else if (wanted.has(href)) event.respondWith(keptFromFirstUse(event, name, href))
    else if (older ? older.has(href) : href.startsWith(self.registration.scope)) {
      event.respondWith(reading.then(() => cachedFirst(older?.get(href) ?? name, href, request)))
    }
  })
}

/** A build that could not be cached whole leaves nothing behind that would pass for the build before the next. */
async function install(name: string, requests: readonly Request[]): Promise<void> {
  const knownBefore = await caches.has(name)
  try {
    await (await caches.open(name)).addAll([...requests])
  } catch (error) {
    if (!knownBefore) await caches.delete(name)
    throw error
  }
}

async function cachedFirst(name: string, url: string, request: Request): Promise<Response> {
  return (await caches.match(url, { cacheName: name })) ?? fetch(request)
}

async function keptFromFirstUse(event: FetchEvent, name: string, url: string): Promise<Response> {
  const { request } = event
  const kept = await caches.match(url, { cacheName: name })
  if (kept) return kept
  const response = await fetch(request)
  // A host may answer with its page where it has no such file.
  if (response.status === 200 && !response.headers.get('content-type')?.startsWith('text/html')) {
    event.waitUntil(keep(name, url, response.clone()))
  }
  return response
}

/** A file that came in part, or that there is no room for, is asked for again. */
async function keep(name: string, url: string, response: Response): Promise<void> {
  try {
    await (await caches.open(name)).put(url, response)
  } catch (error) {
    console.warn(`afield: ${url} could not be kept`, error)
  }
}

/** URLs that other builds cached, each with the cache that has it. */
async function olderAssets(prefix: string, current: string): Promise<ReadonlyMap<string, string>> {
  const assets = new Map<string, string>()
  for (const name of await otherBuilds(prefix, current)) {
    const requests = await (await caches.open(name)).keys()
    for (const { url } of requests) assets.set(url, name)
  }
  return assets
}

/** Caches are named in the order in which they were made, so the last one is the build before. */
async function dropOldBuilds(prefix: string, current: string): Promise<void> {
  const others = await otherBuilds(prefix, current)
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
}

async function otherBuilds(prefix: string, current: string): Promise<readonly string[]> {
  const names = await caches.keys()
  return names.filter((name) => name.startsWith(prefix) && name !== current)
}
