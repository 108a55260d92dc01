import type { Page } from '../browser/browser.js'

/** What a person sees of the learner-risk page. */
export interface Seen {
  /** `starting`, `support`, `fine`, `invalid` or `trouble`. */
  readonly state: string
  readonly figure: string
  readonly decision: string
  /** The version that answered. */
  readonly version: string | undefined
  readonly badge: string
  readonly notice: string
  readonly explanation: string
  /** The message at each field that has one. */
  readonly errors: Readonly<Record<string, string>>
}

export function see(page: Page): Promise<Seen> {
  return page.evaluate(() => {
    const text = (id: string): string => {
      const element = document.getElementById(id)
      return element && !element.closest('[hidden]') ? (element.textContent ?? '').trim() : ''
    }
    const errors = ['hours_studied', 'quiz_score'].map((name) => [name, text(`${name}-error`)] as const)
    return {
      state: document.getElementById('answer')?.dataset['state'] ?? '',
      figure: text('figure'),
      decision: text('decision'),
      version: /Version (\S+)/.exec(text('provenance'))?.[1],
      badge: text('network'),
      notice: text('notice-text'),
      explanation: text('explanation'),
      errors: Object.fromEntries(errors.filter(([, message]) => message !== '')),
    }
  })
}

/** Types into a number box. */
export function type(page: Page, field: 'hours_studied' | 'quiz_score', value: string): Promise<void> {
  return page.evaluate(
    ({ field, value }) => {
      const box = document.getElementById(field)
      if (!(box instanceof HTMLInputElement)) throw new Error(`There is no field ${field}.`)
      box.value = value
      box.dispatchEvent(new Event('input', { bubbles: true }))
    },
    { field, value },
  )
}

export function press(page: Page, id: 'check' | 'retry'): Promise<void> {
  return page.evaluate((id) => document.getElementById(id)?.click(), id)
}
