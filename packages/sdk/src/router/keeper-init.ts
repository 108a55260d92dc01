import { invalidInput, utf8 } from '@afield/protocol'
import type { AfieldOptions, AfieldTelemetryOptions } from '../api.js'
import { RUNTIME } from '../engine/runtime.js'
import { engineCallsUrl, telemetryUrl } from '../files.js'
import { CHECK_EVERY_MS } from '../keeper/defaults.js'
import type { KeeperInit } from '../keeper/worker.js'
import { SDK_VERSION } from '../version.js'
import { deviceClass, privacyControl } from './platform.js'

const SEAL_EVERY_MS = 15 * 60 * 1000
const TELEMETRY_FLOOR = 20

/**
 * What the app asked for as the keeper needs it: defaults filled in, URLs absolute, telemetry only where allowed.
 *
 * @throws AfieldError `input/invalid` naming an option that is no URL.
 */
export function keeperInit(options: AfieldOptions, life: string): KeeperInit {
  const telemetry = allowedTelemetry(options.telemetry)
  return {
    namespace: options.namespace ?? 'default',
    life,
    repository: absolute('repository', options.repository),
    root: utf8(typeof options.root === 'string' ? options.root : JSON.stringify(options.root)),
    policy: options.policy ?? 'local',
    checkEveryMs: options.checkEveryMs ?? CHECK_EVERY_MS,
    downloads: options.downloads ?? 'auto',
    maxDownloadBytes: options.maxDownloadBytes,
    seed: options.seed === undefined ? undefined : absolute('seed', options.seed),
    asksDownload: options.onDownload !== undefined,
    tellsSteps: options.atStep !== undefined,
    runtime: RUNTIME,
    browserBuild: navigator.userAgent,
    device: deviceClass(),
    telemetryUrl: telemetryUrl(),
    engineCallsUrl: engineCallsUrl(),
    telemetry: telemetry && {
      endpoint: absolute('telemetry.endpoint', telemetry.endpoint),
      key: telemetry.key,
      sealEveryMs: telemetry.sealEveryMs ?? SEAL_EVERY_MS,
      floor: telemetry.floor ?? TELEMETRY_FLOOR,
      sdk: SDK_VERSION,
    },
  }
}

/** Off without a basis, and where the user told the browser not to share. */
function allowedTelemetry(asked: AfieldTelemetryOptions | undefined): AfieldTelemetryOptions | undefined {
  const bases: readonly unknown[] = ['consent', 'legitimate-interest']
  return asked && bases.includes(asked.basis) && !privacyControl() ? asked : undefined
}

function absolute(option: string, url: string): string {
  try {
    return new URL(url, location.href).href
  } catch {
    throw invalidInput(
      option,
      'malformed',
      'takes a URL, such as "https://models.example.com/" or "/models/"',
    )
  }
}
