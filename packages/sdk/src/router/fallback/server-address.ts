import { invalidInput } from '@afield/protocol'
import { MAX_TIMER_MS } from '../../timers.js'
import type { RemoteOptions } from './options.js'

const TIMEOUT_MS = 5000

/**
 * Where a model's server is asked.
 *
 * @param name what the model is called here.
 * @throws AfieldError `input/invalid`, field `fallback.remote.url` or `fallback.remote.model`.
 */
export function inferUrl({ url, model }: RemoteOptions, name: string): string {
  if (model !== undefined && (typeof model !== 'string' || model === '')) {
    throw invalidInput('fallback.remote.model', 'mistyped', 'takes the name that the server gives the model')
  }
  // Against the page's own address, everything is a URL: `undefined` of a variable that was not set is.
  const isGiven = typeof url === 'string' && url !== ''
  const parsed = isGiven && URL.canParse(url, location.href) ? new URL(url, location.href) : undefined
  const isSafe =
    parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname))
  if (!parsed || !isSafe || parsed.username || parsed.password) {
    throw invalidInput(
      'fallback.remote.url',
      'malformed',
      'takes an https: URL without a password, such as "https://models.example.com" (http: only on this machine)',
    )
  }
  const path = parsed.pathname.replace(/\/+$/, '')
  parsed.pathname = `${path}/v2/models/${encodeURIComponent(model ?? name)}/infer`
  return parsed.href
}

function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host)
}

/** @throws AfieldError `input/invalid`, field `fallback.remote.headers` or `fallback.remote.timeoutMs`. */
export function checkedTimeout({ timeoutMs = TIMEOUT_MS, headers }: RemoteOptions): number {
  if (headers !== undefined && typeof headers !== 'function') {
    throw invalidInput('fallback.remote.headers', 'mistyped', 'takes a function that gives headers')
  }
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return Math.min(timeoutMs, MAX_TIMER_MS)
  throw invalidInput('fallback.remote.timeoutMs', 'out-of-range', 'is a number of milliseconds above 0')
}

/**
 * What the app's hook returned, as what can be sent to a worker.
 *
 * @throws TypeError where it is no object of texts; it names no value, since these are secrets.
 */
export function checkedHeaders(given: unknown): Readonly<Record<string, string>> {
  // Arrays, texts and `Headers` can be iterated, and would be taken for none or for names of digits.
  const isObject = typeof given === 'object' && given !== null && !(Symbol.iterator in given)
  const headers = isObject ? { ...(given as Readonly<Record<string, string>>) } : {}
  if (isObject && Object.values(headers).every((value) => typeof value === 'string')) return headers
  throw new TypeError('it returned no plain object with a text for each name')
}
