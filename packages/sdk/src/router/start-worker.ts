/**
 * Starts one of this package's workers. A browser starts no worker from another origin, such as a CDN's; there, and
 * only there, a Blob of the page's own origin imports it.
 */
export function startWorker(url: URL, name: string): Worker {
  const options = { type: 'module', name } as const
  if (isOwn(url)) return new Worker(url, options)
  const script = new Blob([`import ${JSON.stringify(url.href)}`], { type: 'text/javascript' })
  const blob = URL.createObjectURL(script)
  const worker = new Worker(blob, options)
  const revoke = (): void => URL.revokeObjectURL(blob)
  worker.addEventListener('message', revoke, { once: true })
  worker.addEventListener('error', revoke, { once: true })
  return worker
}

/** What to say of a worker that failed. A browser keeps to itself why a script could not be loaded. */
export function whyFailed({ message }: ErrorEvent, url: URL): string {
  if (message) return message
  return isOwn(url)
    ? `its script ${url.href} could not be loaded`
    : `its script ${url.href} could not be loaded. ${url.origin} must send Access-Control-Allow-Origin for it, and a Content-Security-Policy must allow "worker-src blob: ${url.origin}"`
}

function isOwn({ origin, protocol }: URL): boolean {
  return origin === location.origin || protocol === 'blob:' || protocol === 'data:'
}
