import type { Page } from '../browser/browser.js'

/** What a person sees of the digit-reader page. */
export interface Seen {
  /** `starting`, `idle`, `read` or `trouble`. */
  readonly state: string
  readonly digit: string
  readonly decision: string
  readonly version: string | undefined
  /** Such as `7 98 %`. */
  readonly candidates: readonly string[]
  /** Squares that are filled, by number. */
  readonly squares: readonly number[]
  /** The word on the button that replays. */
  readonly button: string
  readonly verdict: string
  readonly progress: number
  /** Captions of the images that were read wrongly. */
  readonly wrong: readonly string[]
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
    const texts = (selector: string): string[] =>
      [...document.querySelectorAll(selector)].map((element) => element.textContent ?? '')
    const bar = document.getElementById('replay-progress')
    return {
      state: document.getElementById('answer')?.dataset['state'] ?? '',
      digit: text('digit'),
      decision: text('decision'),
      version: /Version (\S+)/.exec(text('provenance'))?.[1],
      candidates: texts('#candidates li'),
      squares: [...document.querySelectorAll('[role=gridcell]')].flatMap((cell, at) =>
        cell.ariaSelected === 'true' ? [at] : [],
      ),
      button: text('replay'),
      verdict: text('replay-verdict'),
      progress: bar instanceof HTMLProgressElement ? bar.value : NaN,
      wrong: texts('#wrong figcaption'),
      badge: text('network'),
      spoken: text('spoken'),
    }
  })
}

/** Draws strokes on the pad with the mouse; points from 0 to 1 from its upper left corner. */
export async function draw(
  page: Page,
  strokes: readonly (readonly (readonly [number, number])[])[],
): Promise<void> {
  const pad = await page.evaluate(() => {
    const element = document.getElementById('pad')
    if (!element) throw new Error('There is no pad.')
    element.scrollIntoView({ block: 'center' })
    const { left, top, width, height } = element.getBoundingClientRect()
    return { left, top, width, height }
  })
  for (const stroke of strokes) {
    await page.drag(stroke.map(([x, y]) => ({ x: pad.left + x * pad.width, y: pad.top + y * pad.height })))
  }
}

export function click(page: Page, id: string): Promise<void> {
  return page.evaluate((name) => document.getElementById(name)?.click(), id)
}

/** Points on an ellipse's arc, in turns from its right end, clockwise as seen. */
export function arc(
  [x, y]: readonly [number, number],
  [rx, ry]: readonly [number, number],
  from: number,
  to: number,
): readonly (readonly [number, number])[] {
  const steps = 24
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = 2 * Math.PI * (from + ((to - from) * i) / steps)
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const
  })
}
