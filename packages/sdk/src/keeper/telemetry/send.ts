import { asAfieldError, utf8 } from '@afield/protocol'
import type { TelemetryOptions, TelemetryPorts } from './port.js'

const SEND_TIMEOUT_MS = 20_000
const BACKOFF_FIRST_MS = 5_000
const BACKOFF_MOST_MS = 60 * 60 * 1000

/** What the collector said to a batch, and how long it wants to be left alone. */
export interface Said {
  readonly outcome: 'kept' | 'refused' | 'later'
  readonly retryAfterMs: number
}

/** Posts a sealed batch. */
export async function post(
  { clock, fetch, log }: TelemetryPorts,
  { endpoint, key }: TelemetryOptions,
  text: string,
): Promise<Said> {
  const controller = new AbortController()
  const stop = clock.after(SEND_TIMEOUT_MS, () => controller.abort())
  try {
    const response = await fetch(`${endpoint}?key=${encodeURIComponent(key)}`, {
      method: 'POST',
      // text/plain needs no preflight from another origin.
      headers: { 'content-type': 'text/plain' },
      body: text,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      keepalive: utf8(text).length < 60_000,
      signal: controller.signal,
    })
    await response.body?.cancel()
    const retryAfterMs = retryAfterMsOf(response)
    if (response.ok) return { outcome: 'kept', retryAfterMs }
    const passing = response.status >= 500 || response.status === 429 || response.status === 408
    log(passing ? 'debug' : 'warn', `The collector answered ${response.status} to a telemetry batch.`)
    return { outcome: passing ? 'later' : 'refused', retryAfterMs }
  } catch (error) {
    const what = 'The collector could not be reached; batches wait.'
    log('debug', what, asAfieldError(error, 'internal/unexpected', what))
    return { outcome: 'later', retryAfterMs: 0 }
  } finally {
    stop()
  }
}

/** Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). */
export function backoffMs(failures: number, random: TelemetryPorts['random']): number {
  const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** failures)
  const [a = 0, b = 0] = random(2)
  return Math.max(1000, (most * (a * 256 + b)) / 65_536)
}

/** Only seconds: a date would trust the device's clock. At most the longest pause there is. */
function retryAfterMsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(BACKOFF_MOST_MS, seconds * 1000) : 0
}
