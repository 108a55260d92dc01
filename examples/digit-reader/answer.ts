import type { Prediction, ScoredLabel } from 'afield'
import { byId } from '../page/dom.js'
import { milliseconds } from '../page/format.js'
import { enter, showTodo } from '../page/section.js'
import { hush, speak } from '../page/spoken.js'

const digit = byId('digit', HTMLElement)
const decision = byId('decision', HTMLElement)
const candidates = byId('candidates', HTMLOListElement)
const provenance = byId('provenance', HTMLElement)

export function showDigit({ outputs, modelVersion, latencyMs }: Prediction): void {
  const scored = scoredLabels(outputs['candidates'])
  const [best] = scored
  if (!best) throw new Error('The model gives no candidates: page and model do not fit.')
  enter('read')
  digit.textContent = best.label
  decision.textContent = `${inPercent(best.score)} sure`
  candidates.replaceChildren(...scored.map(row))
  provenance.textContent = `Version ${modelVersion} answered here in ${milliseconds(latencyMs)}`
  speak(`${best.label}, ${inPercent(best.score)} sure.`)
}

export function showIdle(): void {
  blank('idle', 'Nothing is drawn yet')
}

/** Says in place of an answer why there is none, and what to do. */
export function showTrouble(what: string, todo: string): void {
  blank('trouble', what)
  showTodo(todo)
}

export function scoredLabels(output: Prediction['outputs'][string] | undefined): readonly ScoredLabel[] {
  return Array.isArray(output) ? (output as readonly ScoredLabel[]) : []
}

export function inPercent(share: number): string {
  return `${share > 0.995 && share < 1 ? '> 99' : Math.round(share * 100)} %`
}

function blank(state: 'idle' | 'trouble', sentence: string): void {
  enter(state)
  digit.textContent = '–'
  decision.textContent = sentence
  candidates.replaceChildren()
  provenance.textContent = ''
  hush()
}

function row({ label, score }: ScoredLabel): HTMLLIElement {
  const item = document.createElement('li')
  const name = document.createElement('span')
  name.textContent = label
  const bar = document.createElement('span')
  bar.className = 'bar'
  bar.style.setProperty('--share', String(score))
  const share = document.createElement('data')
  share.value = String(score)
  share.textContent = inPercent(score)
  item.append(name, bar, share)
  return item
}
