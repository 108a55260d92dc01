import { byId } from './dom.js'

/** A screen reader hears the answer once the input rests, not at every step on its way. */
const SPEAK_AFTER_MS = 700

const spoken = byId('spoken', HTMLElement)
let speaking: ReturnType<typeof setTimeout> | undefined

/** Says a sentence in the page's live region once nothing else is to be said for a while. */
export function speak(sentence: string): void {
  clearTimeout(speaking)
  speaking = setTimeout(() => (spoken.textContent = sentence), SPEAK_AFTER_MS)
}

export function hush(): void {
  clearTimeout(speaking)
}
