import type { Prediction } from 'afield'
import { byId } from '../page/dom.js'
import { milliseconds } from '../page/format.js'
import { enter, showTodo } from '../page/section.js'
import { hush, speak } from '../page/spoken.js'

/** What an app does with a message of each band of the model's contract. */
const ADVICE: Readonly<Record<string, string>> = {
  publish: 'Publish it',
  review: 'Have somebody look at it',
  hold: 'Hold it back',
}

const verdict = byId('verdict', HTMLElement)
const scale = byId('scale', HTMLElement)
const scaleValue = byId('scale-value', HTMLElement)
const score = byId('score', HTMLDataElement)
const band = byId('band', HTMLElement)
const provenance = byId('provenance', HTMLElement)

export function showVerdict({ outputs, modelVersion, latencyMs }: Prediction): void {
  const advertising = Number(outputs['advertising'])
  const percent = Math.round(advertising * 100)
  const word = labelOf(outputs['verdict']) === 'advertising' ? 'Advertising' : 'An ordinary message'
  const level = outputs['check']
  if (typeof level !== 'string') throw new Error('The model gives no band: page and model do not fit.')
  enter(level)
  verdict.textContent = word
  scale.setAttribute('aria-valuenow', String(percent))
  scale.setAttribute('aria-valuetext', `${percent} %`)
  scaleValue.style.inlineSize = `${advertising * 100}%`
  score.value = String(advertising)
  score.textContent = `${percent} %`
  band.textContent = ADVICE[level] ?? level
  provenance.textContent = `Version ${modelVersion} answered here in ${milliseconds(latencyMs)}`
  speak(`${word}. Advertising ${percent} %. ${band.textContent}.`)
}

export function showIdle(): void {
  blank('idle', 'Nothing to read yet')
}

export function showInvalid(): void {
  blank('invalid', 'Waiting for a valid message')
}

/** Says in place of an answer why there is none, and what to do. */
export function showTrouble(what: string, todo: string): void {
  blank('trouble', what)
  showTodo(todo)
}

function blank(state: 'idle' | 'invalid' | 'trouble', sentence: string): void {
  enter(state)
  verdict.textContent = sentence
  scale.removeAttribute('aria-valuenow')
  scale.setAttribute('aria-valuetext', 'No answer')
  scaleValue.style.inlineSize = '0'
  score.value = ''
  score.textContent = '–'
  band.textContent = ''
  provenance.textContent = ''
  hush()
}

function labelOf(output: Prediction['outputs'][string] | undefined): string | undefined {
  return typeof output === 'object' && 'label' in output ? output.label : undefined
}
