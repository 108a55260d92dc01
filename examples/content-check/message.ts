import type { AfieldError } from 'afield'
import { byId } from '../page/dom.js'

/** `maxLength` of the model's contract, which is what refuses a longer message. */
const MAX_LENGTH = 2000

const form = byId('form', HTMLFormElement)
const box = byId('message', HTMLTextAreaElement)
const count = byId('message-count', HTMLElement)
const problem = byId('message-error', HTMLElement)

/** Calls back at every change of the message. */
export function onChange(listener: () => void): void {
  const changed = (): void => {
    showCount()
    listener()
  }
  form.addEventListener('submit', (event) => event.preventDefault())
  box.addEventListener('input', changed)
  for (const sample of form.querySelectorAll('button')) {
    sample.addEventListener('click', () => {
      box.value = sample.textContent
      changed()
    })
  }
  showCount()
}

/** The message as it stands, unchecked: the model's contract says what is wrong with it. */
export function readMessage(): string | undefined {
  return box.value.trim() === '' ? undefined : box.value
}

export function clearError(): void {
  say('')
}

export function showError({ details }: AfieldError): void {
  say(
    details['problem'] === 'too-large'
      ? `A message has at most ${MAX_LENGTH.toLocaleString('en')} characters.`
      : 'This message holds something that is no character.',
  )
}

function showCount(): void {
  count.textContent = `${box.value.length.toLocaleString('en')} of ${MAX_LENGTH.toLocaleString('en')}`
}

function say(sentence: string): void {
  box.setAttribute('aria-invalid', String(sentence !== ''))
  if (problem.textContent !== sentence) problem.textContent = sentence
}
