import { AfieldError, type Prediction } from 'afield'
import { find, highlight, make, write } from '../element.js'
import { formatMs, plural, quantile } from '../format.js'
import { glyph, setGlyph } from '../glyph.js'

/** The contract's threshold: `needs_support` is true from here on. */
const THRESHOLD = 0.7
const REMEMBERED = 50
/** A slider that is dragged gives many answers a second; one of them is spoken when it rests. */
const SPEAK_AFTER_MS = 700

export interface AnswerView {
  show(answer: Prediction): void
  showTrouble(error: unknown): void
}

/** Console and chips below the editor. */
export function mountAnswer(root: HTMLElement): AnswerView {
  const answer = find(root, '.answer', HTMLElement)
  const trouble = find(root, '.trouble', HTMLElement)
  const spoken = find(root, '#spoken-answer', HTMLElement)
  const score = make('span', { class: 'value' }, '–')
  const decision = make('span', { class: 'value' }, '–')
  const meter = make('div', { class: 'meter', 'aria-hidden': 'true' }, make('i', { class: 'threshold' }))
  meter.style.setProperty('--threshold', String(THRESHOLD))
  answer.append(line('risk_score', score), meter, line('needs_support', decision))

  const mark = glyph(undefined)
  const version = make('b', {}, '–')
  const versionChip = make('li', { class: 'chip chip-version' }, mark, version)
  const backend = make('li', { class: 'chip' }, '–')
  const time = make('li', { class: 'chip' }, '–')
  find(root, '.chips', HTMLElement).append(versionChip, backend, time)

  const latencies: number[] = []
  let speaking: ReturnType<typeof setTimeout> | undefined
  const speak = (text: string): void => {
    clearTimeout(speaking)
    speaking = setTimeout(() => write(spoken, text), SPEAK_AFTER_MS)
  }

  return {
    show({ outputs, modelVersion, backend: ranOn, servedBy, latencyMs }) {
      const risk = Number(outputs['risk_score'])
      const needed = outputs['needs_support'] === true
      answer.dataset['state'] = 'answered'
      trouble.hidden = true
      write(score, risk.toFixed(4))
      write(decision, String(needed))
      meter.style.setProperty('--risk', String(risk))
      const shown = ranOn === undefined ? 'no model' : modelVersion
      if (version.textContent !== shown) {
        write(version, shown)
        setGlyph(mark, ranOn && modelVersion)
        highlight(versionChip)
      }
      write(backend, ranOn ?? `fallback: ${servedBy}`)
      backend.classList.toggle('chip-fallback', ranOn === undefined)
      latencies.push(latencyMs)
      if (latencies.length > REMEMBERED) latencies.shift()
      write(time, formatMs(quantile(latencies, 0.5) ?? latencyMs))
      time.title = `Median of the last ${plural(latencies.length, 'prediction')}, from the call to the answer`
      speak(`Risk score ${risk.toFixed(2)}, ${needed ? 'needs support' : 'needs no support'}`)
    },
    showTrouble(error) {
      clearTimeout(speaking)
      answer.dataset['state'] = 'refused'
      trouble.hidden = false
      write(find(trouble, '.trouble-code', HTMLElement), error instanceof AfieldError ? error.code : 'error')
      write(
        find(trouble, '.trouble-message', HTMLElement),
        error instanceof Error ? error.message : String(error),
      )
    },
  }
}

function line(name: string, value: HTMLElement): HTMLElement {
  return make('p', { class: 'output' }, make('span', { class: 't-key' }, name), value)
}
