import { byId } from './dom.js'

const notice = byId('notice', HTMLElement)
const text = byId('notice-text', HTMLElement)
const close = byId('notice-close', HTMLButtonElement)

close.addEventListener('click', hideNotice)

/** Shows one sentence at the bottom until it is closed or another takes its place. */
export function notify(sentence: string): void {
  notice.hidden = false
  text.textContent = sentence
}

export function hideNotice(): void {
  notice.hidden = true
}
