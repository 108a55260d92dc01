import { byId } from './dom.js'
import { bytes } from './format.js'

/** Where a page's answer stands, and in place of one the download, or why there is none. */
const section = byId('answer', HTMLElement)
const loading = byId('loading', HTMLElement)
const progress = byId('progress', HTMLProgressElement)
const progressLabel = byId('progress-label', HTMLElement)
const trouble = byId('trouble', HTMLElement)
const troubleText = byId('trouble-text', HTMLElement)

/** @param state what the section's styles go by; `starting` until the first call. */
export function enter(state: string): void {
  section.dataset['state'] = state
  loading.hidden = true
  trouble.hidden = true
}

/** @param totalBytes 0 while nothing is known: the runtime starts before the model comes. */
export function showLoading(loadedBytes: number, totalBytes: number): void {
  if (section.dataset['state'] !== 'starting') return
  loading.hidden = false
  if (totalBytes === 0) return
  progress.max = totalBytes
  progress.value = loadedBytes
  progressLabel.textContent = `Downloading the model: ${bytes(loadedBytes)} of ${bytes(totalBytes)}`
}

export function showTodo(todo: string): void {
  trouble.hidden = false
  if (troubleText.textContent !== todo) troubleText.textContent = todo
}
