import { asAfieldError } from '@afield/protocol'
import { decideDownload, type DownloadRules } from '../downloads.js'
import type { Hardware, Ports, Served } from '../ports.js'
import type { Load } from './port.js'
import type { Verdicts } from './verdicts.js'

/** What may be otherwise after so much more inference: the connection, the room. */
export const AGAIN_MS = 10_000
export const NEVER = Infinity
/** What bringing a backend up takes before it was ever measured here: generous for what a build downloads. */
const USUAL_BRING_UP_MS = { jspi: 3_000, asyncify: 6_000 } as const
/** What a build of the runtime downloads. */
const RUNTIME_BYTES = { jspi: 16_758_545, asyncify: 26_781_914 } as const

/** How many ms of inference another backend is still to wait for until it is worth its bring-up. */
export async function inferenceToWait(
  { build }: Hardware,
  verdicts: Verdicts,
  { inferenceMs }: Load,
): Promise<number> {
  return ((await verdicts.bringUpMs(build)) ?? USUAL_BRING_UP_MS[build]) - inferenceMs
}

/** The same until its runtime, a download like any other, may come. */
export async function runtimeToWait(
  ports: Ports,
  { build }: Hardware,
  rules: DownloadRules,
  verdicts: Verdicts,
  { model, version }: Served,
): Promise<number> {
  const known = await verdicts.bringUpMs(build)
  const request = { model, version, bytes: RUNTIME_BYTES[build], reason: 'update' } as const
  try {
    const why = await decideDownload(ports, known === undefined ? rules : knownRules(rules), request)
    if (why === undefined) return 0
    return why === 'not-agreed' ? NEVER : AGAIN_MS
  } catch (cause) {
    const error = asAfieldError(cause, 'download/declined', 'The app could not be asked')
    ports.log('info', error.message, error)
    return NEVER
  }
}

/** What was brought up here before was agreed to, and the browser has it, unless its cache dropped it. */
function knownRules({ downloads }: DownloadRules): DownloadRules {
  return { downloads: downloads === 'ask' ? 'auto' : downloads, maxDownloadBytes: undefined }
}
