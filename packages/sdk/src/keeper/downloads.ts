import { AfieldError } from '@afield/protocol'
import type { DownloadRequest, Ports } from './ports.js'

/** When models may be downloaded. */
export interface DownloadRules {
  /**
   * `auto`: updates wait while the user asks sites to save data. `unmetered`: they also wait on connections that are
   * paid for by the byte. `ask`: the app is asked each time.
   */
  readonly downloads: 'auto' | 'ask' | 'unmetered'
  readonly maxDownloadBytes: number | undefined
}

/** Why an update waits. */
export type Deferral = 'save-data' | 'metered' | 'not-agreed'

/**
 * Decides about a download before its first chunk.
 *
 * @returns why it waits, or `undefined` when it may begin. What nothing can answer without never waits.
 * @throws AfieldError `download/too-large`; `download/declined` where nothing can answer without it.
 */
export async function decideDownload(
  { host, connection }: Pick<Ports, 'host' | 'connection'>,
  { downloads, maxDownloadBytes }: DownloadRules,
  request: DownloadRequest,
): Promise<Deferral | undefined> {
  const { model, version, bytes, reason } = request
  if (maxDownloadBytes !== undefined && bytes > maxDownloadBytes) {
    throw new AfieldError(
      'download/too-large',
      `${model} ${version} would download ${bytes} bytes, and the app allows ${maxDownloadBytes}. ` +
        'Raise maxDownloadBytes or publish a smaller version; what served before still does.',
      { details: { bytes, maxDownloadBytes } },
    )
  }
  if (downloads === 'ask') {
    if (host.askDownload && (await host.askDownload(request))) return undefined
    if (reason === 'update') return 'not-agreed'
    throw new AfieldError(
      'download/declined',
      host.askDownload
        ? `The app declined to download ${model} ${version} (${bytes} bytes). Load it again to be asked again.`
        : `The app gave no onDownload that could agree to download ${model} ${version} (${bytes} bytes).`,
      { details: { bytes } },
    )
  }
  if (reason === 'load') return undefined
  const { saveData, metered } = connection?.() ?? { saveData: false, metered: false }
  if (saveData) return 'save-data'
  return downloads === 'unmetered' && metered ? 'metered' : undefined
}
