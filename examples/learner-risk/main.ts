import { AfieldError, type ErrorCode } from 'afield'
import { config } from '../team/config.js'
import { hasConsent, offerConsent, onCheckNow, showChecked, showDevice } from './about.js'
import { showInvalid, showLoading, showPrediction, showTrouble } from './answer.js'
import { byId } from './dom.js'
import { clearErrors, onChange, readRecord, showError } from './form.js'
import { noteFilesKept, noteModelServes, noteRepository, watchNetwork } from './network.js'
import { hideNotice, notify } from './notice.js'
import { keepOffline } from './offline.js'
import { Serving } from './serving.js'

const serving = new Serving(config, {
  loading: showLoading,
  serving(version, previous) {
    noteModelServes()
    if (previous !== undefined && previous !== version) notify(`Updated to ${version} (was ${previous}).`)
    refresh()
  },
  rejected(version) {
    notify(`Version ${version} did not pass its test on this device and is not used.`)
    refresh()
  },
  refused: refresh,
  checked(reached) {
    noteRepository(reached)
    showChecked(reached)
    background(describe())
  },
  failed: showFailure,
})

let asked = 0

/** Answers for what the form says now; an answer that a newer question overtook is dropped. */
async function answer(): Promise<void> {
  if (!serving.ready) return
  const question = ++asked
  try {
    const prediction = await serving.predict(readRecord())
    if (question !== asked) return
    clearErrors()
    showPrediction(prediction)
  } catch (error) {
    if (!(error instanceof AfieldError)) throw error
    if (question === asked) showFailure(error)
  }
}

function showFailure(error: AfieldError): void {
  if (error.code === 'input/invalid' && showError(error) !== undefined) return showInvalid()
  clearErrors()
  const { what, todo } = adviceFor(error)
  hideNotice()
  showTrouble(what, todo)
}

function adviceFor({ code, message }: AfieldError): { readonly what: string; readonly todo: string } {
  const advice: { readonly [code in ErrorCode]?: readonly [what: string, todo: string] } = {
    // The fallback that the model's launch checklist promises.
    'model/killed': [
      'No estimate at the moment',
      'The model’s team has switched it off. Whoever would like support can ask for it all the same.',
    ],
    'manifest/unavailable': [
      'The model is not on this device yet',
      'It could not be fetched. Check the network; it is tried again by itself.',
    ],
    'chunk/unavailable': [
      'The model is not on this device yet',
      'Its download did not finish. Check the network; it goes on where it stopped.',
    ],
  }
  const [what, todo] = advice[code] ?? ['No estimate', `${message} (${code})`]
  return { what, todo }
}

/** What serves may have changed: the answer and the sentence about this device follow. */
function refresh(): void {
  background(answer())
  background(describe())
}

async function describe(): Promise<void> {
  const device = await serving.describe()
  if (!device) return
  await showDevice(device.explanation, device.storage)
}

function background(work: Promise<void>): void {
  work.catch((error: unknown) => console.error(error))
}

function retry(): void {
  background(serving.ready ? serving.check().then(answer) : serving.load())
}

onChange(() => background(answer()))
onCheckNow(async () => {
  // How it went is told by `checked`.
  await serving.check().catch((error: unknown) => console.warn(error))
})
byId('retry', HTMLButtonElement).addEventListener('click', retry)
watchNetwork(retry)
offerConsent((given) => background(serving.start(given)))
background(serving.start(hasConsent()))
background(keepOffline().then(noteFilesKept))
