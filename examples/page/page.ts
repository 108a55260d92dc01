import { AfieldError, type ErrorCode, type Model, type Prediction } from 'afield'
import { config } from '../team/config.js'
import { hasConsent, offerConsent, onCheckNow, showChecked, showDevice } from './about.js'
import { byId } from './dom.js'
import { noteFilesKept, noteModelServes, noteRepository, watchNetwork } from './network.js'
import { newestWins } from './newest-wins.js'
import { hideNotice, notify } from './notice.js'
import { keepOffline } from './offline.js'
import { showLoading } from './section.js'
import { Serving, type ModelInput } from './serving.js'

export interface Advice {
  readonly what: string
  readonly todo: string
}

/** What a page has of its own; the rest is the same on every one. */
export interface ModelPage {
  readonly model: string
  /** Keeps apart what the pages of one site store; the pages that are to share leave it out. */
  readonly namespace?: string
  /** What to ask now; `undefined` when there is nothing to ask. */
  read(): ModelInput | undefined
  show(prediction: Prediction): void
  /** There is nothing to ask. */
  showIdle?(): void
  /** @returns false when it has no place for this `input/invalid`. */
  showInvalid(error: AfieldError): boolean
  /** Says in place of an answer why there is none, and what to do. */
  showTrouble(what: string, todo: string): void
  /** The model serves; the same one again when it is another version. */
  serves?(model: Model): void
  /** The fallback that the model's launch checklist promises. */
  readonly killed: Advice
}

/**
 * Loads a page's model and keeps everything around it up to date.
 *
 * @returns a function to call at every change of the input. The newest input is answered; those that it overtakes
 *   while an answer is under way are not asked.
 */
export function startPage(page: ModelPage): () => void {
  const serving = new Serving(config, page, {
    loading: showLoading,
    serving(version, previous) {
      noteModelServes()
      if (serving.model) page.serves?.(serving.model)
      if (previous !== undefined && previous !== version) notify(`Updated to ${version} (was ${previous}).`)
      refresh()
    },
    rejected(version) {
      notify(`Version ${version} did not pass its test on this device and is not used.`)
      refresh()
    },
    refused: () => refresh(),
    checked(reached) {
      noteRepository(reached)
      showChecked(reached)
      background(describe())
    },
    failed: showFailure,
  })

  const answer = newestWins(async () => {
    if (!serving.ready) return
    const input = page.read()
    if (input === undefined) return page.showIdle?.()
    try {
      page.show(await serving.predict(input))
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      showFailure(error)
    }
  })

  function showFailure(error: AfieldError): void {
    if (error.code === 'input/invalid' && page.showInvalid(error)) return
    const { what, todo } = adviceFor(error, page.killed)
    hideNotice()
    page.showTrouble(what, todo)
  }

  /** What serves may have changed: the answer and the sentence about this device follow. */
  function refresh(): void {
    background(answer())
    background(describe())
  }

  async function describe(): Promise<void> {
    const device = await serving.describe()
    if (device) await showDevice(device.explanation, device.storage)
  }

  function retry(): void {
    background(serving.ready ? serving.check().then(answer) : serving.load())
  }

  onCheckNow(async () => {
    // How it went is told by `checked`.
    await serving.check().catch((error: unknown) => console.warn(error))
  })
  byId('retry', HTMLButtonElement).addEventListener('click', retry)
  watchNetwork(retry)
  offerConsent(page.model, (given) => background(serving.start(given)))
  background(serving.start(hasConsent(page.model)))
  background(keepOffline().then(noteFilesKept))
  return () => background(answer())
}

function adviceFor({ code, message }: AfieldError, killed: Advice): Advice {
  const advice: { readonly [code in ErrorCode]?: Advice } = {
    'model/killed': killed,
    'manifest/unavailable': {
      what: 'The model is not on this device yet',
      todo: 'It could not be fetched. Check the network; it is tried again by itself.',
    },
    'chunk/unavailable': {
      what: 'The model is not on this device yet',
      todo: 'Its download did not finish. Check the network; it goes on where it stopped.',
    },
  }
  return advice[code] ?? { what: 'No answer', todo: `${message} (${code})` }
}

function background(work: Promise<void>): void {
  work.catch((error: unknown) => console.error(error))
}
