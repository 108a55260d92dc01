import type { Prediction } from 'afield'
import { byId } from '../page/dom.js'
import { milliseconds } from '../page/format.js'
import { enter, showTodo } from '../page/section.js'
import { hush, speak } from '../page/spoken.js'

/** From this risk on the model's contract says `needs_support`; drawn as the mark on the gauge. */
const THRESHOLD = 0.7

const gauge = byId('gauge', HTMLElement)
const gaugeValue = byId('gauge-value', SVGElement)
const figure = byId('figure', HTMLElement)
const decision = byId('decision', HTMLElement)
const provenance = byId('provenance', HTMLElement)

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

/** Says in place of an answer why there is none, and what to do. */
export function showTrouble(what: string, todo: string): void {
  blank('trouble', what)
  showTodo(todo)
}

function blank(state: 'invalid' | 'trouble', sentence: string): void {
  enter(state)
  figure.textContent = '–'
  gauge.removeAttribute('aria-valuenow')
  gauge.setAttribute('aria-valuetext', 'No answer')
  decision.textContent = sentence
  provenance.textContent = ''
  hush()
}

function small(text: string): HTMLElement {
  const element = document.createElement('small')
  element.textContent = text
  return element
}
