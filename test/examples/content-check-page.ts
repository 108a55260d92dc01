import type { Page } from '../browser/browser.js'

/** What a person sees of the content-check page. */
export interface Seen {
  /** The band of the answer, or `starting`, `idle`, `invalid`, `trouble`. */
  readonly state: string
  readonly verdict: string
  /** Unrounded; NaN when there is no answer. */
  readonly score: number
  readonly band: string
  readonly version: string | undefined
  readonly count: string
  readonly error: string
  readonly badge: string
  /** What a screen reader was last told. */
  readonly spoken: string
}

export function see(page: Page): Promise<Seen> {
  return page.evaluate(() => {
    const text = (id: string): string => {
      const element = document.getElementById(id)
      return element && !element.closest('[hidden]') ? (element.textContent ?? '').trim() : ''
    }
    const score = document.getElementById('score')
    return {
      state: document.getElementById('answer')?.dataset['state'] ?? '',
      verdict: text('verdict'),
      score: Number((score instanceof HTMLDataElement && score.value) || 'NaN'),
      band: text('band'),
      version: /Version (\S+)/.exec(text('provenance'))?.[1],
      count: text('message-count'),
      error: text('message-error'),
      badge: text('network'),
      spoken: text('spoken'),
    }
  })
}

/** Puts a message into the box, as a paste would. */
export function type(page: Page, message: string): Promise<void> {
  return page.evaluate((text) => {
    const box = document.getElementById('message')
    if (!(box instanceof HTMLTextAreaElement)) throw new Error('There is no box to type into.')
    box.value = text
    box.dispatchEvent(new Event('input', { bubbles: true }))
  }, message)
}

/**
 * Types a message letter by letter, as fast as the page lets it.
 *
 * @returns the longest that one letter kept the page busy, in ms, and how many answers were shown meanwhile.
 */
export function typeLetters(page: Page, message: string): Promise<{ slowest: number; answers: number }> {
  return page.evaluate(async (text) => {
    const box = document.getElementById('message')
    const answer = document.getElementById('answer')
    if (!(box instanceof HTMLTextAreaElement) || !answer) throw new Error('There is no box to type into.')
    let answers = 0
    const watch = new MutationObserver(() => (answers += 1))
    watch.observe(answer, { attributes: true, attributeFilter: ['data-state'] })
    let slowest = 0
    box.value = ''
    for (const letter of text) {
      const began = performance.now()
      box.value += letter
      box.dispatchEvent(new Event('input', { bubbles: true }))
      slowest = Math.max(slowest, performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve))
    }
    watch.disconnect()
    return { slowest, answers }
  }, message)
}
