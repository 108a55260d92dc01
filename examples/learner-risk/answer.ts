import type { Prediction } from 'afield'
import { byId } from './dom.js'

/** From this risk on the model's contract says `needs_support`; drawn as the mark on the gauge. */
const THRESHOLD = 0.7
/** A screen reader hears the answer once the sliders rest, not at every step of a drag. */
const SPEAK_AFTER_MS = 700

const section = byId('answer', HTMLElement)
const gauge = byId('gauge', HTMLElement)
const gaugeValue = byId('gauge-value', SVGElement)
const figure = byId('figure', HTMLElement)
const decision = byId('decision', HTMLElement)
const provenance = byId('provenance', HTMLElement)
const spoken = byId('spoken', HTMLElement)
const loading = byId('loading', HTMLElement)
const progress = byId('progress', HTMLProgressElement)
const progressLabel = byId('progress-label', HTMLElement)
const trouble = byId('trouble', HTMLElement)
const troubleText = byId('trouble-text', HTMLElement)

let speaking: ReturnType<typeof setTimeout> | undefined

type State = 'starting' | 'support' | 'fine' | 'invalid' | 'trouble'

export function showPrediction({ outputs, modelVersion, latencyMs }: Prediction): void {
  const risk = Number(outputs['risk_score'])
  const support = outputs['needs_support'] === true
  const percent = Math.round(risk * 100)
  const sentence = support ? 'Needs support' : 'No support needed'
  enter(support ? 'support' : 'fine')
  figure.replaceChildren(String(percent), small('%'))
  gauge.setAttribute('aria-valuenow', String(percent))
  gauge.setAttribute('aria-valuetext', `${percent} %. Support is suggested from ${THRESHOLD * 100} % on.`)
  gaugeValue.style.strokeDasharray = `${risk * 100} 100`
  decision.textContent = sentence
  provenance.textContent = `Version ${modelVersion} answered here in ${milliseconds(latencyMs)}`
  speak(`Risk ${percent} %. ${sentence}.`)
}

export function showInvalid(): void {
  blank('invalid', 'Waiting for a valid value')
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

/** Says in place of an answer why there is none, and what to do. */
export function showTrouble(what: string, todo: string): void {
  blank('trouble', what)
  trouble.hidden = false
  if (troubleText.textContent !== todo) troubleText.textContent = todo
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`
}

function blank(state: State, sentence: string): void {
  enter(state)
  figure.textContent = '–'
  gauge.removeAttribute('aria-valuenow')
  gauge.setAttribute('aria-valuetext', 'No answer')
  decision.textContent = sentence
  provenance.textContent = ''
  clearTimeout(speaking)
}

function enter(state: State): void {
  section.dataset['state'] = state
  loading.hidden = true
  trouble.hidden = true
}

function speak(sentence: string): void {
  clearTimeout(speaking)
  speaking = setTimeout(() => (spoken.textContent = sentence), SPEAK_AFTER_MS)
}

function small(text: string): HTMLElement {
  const element = document.createElement('small')
  element.textContent = text
  return element
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}
