import type { Stored } from '../keeper/shelf.js'
import { bytesInWords } from './bytes.js'

/** What the device holds of models. */
export interface StorageReport extends Stored {
  /** The whole of it in plain words. */
  readonly sentence: string
}

/** The report of what is stored, with its sentence. */
export function describeStorage(stored: Stored): StorageReport {
  return { ...stored, sentence: sentenceOf(stored) }
}

function sentenceOf({ kind, persisted, quotaBytes, models, bytes }: Stored): string {
  if (models.length === 0) return 'No model is on this device.'
  const list = models.map(({ model, versions }) => {
    const names = versions.map(
      ({ version, role, bytes: held, totalBytes }) =>
        `${version} (${held < totalBytes ? `${Math.floor((100 * held) / totalBytes)} % downloaded` : role})`,
    )
    return `${model} ${names.join(', ')}`
  })
  const allowed =
    quotaBytes === undefined ? '' : ` of ${bytesInWords(quotaBytes)} that the browser allows this site`
  const fate =
    kind === 'memory'
      ? 'It is kept in memory and gone when the page closes.'
      : persisted
        ? 'The browser keeps it until it is removed.'
        : 'The browser may delete it when it runs out of room.'
  return `On this device: ${list.join('; ')}; ${bytesInWords(bytes)} in all${allowed}. ${fate}`
}
