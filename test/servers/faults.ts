/** What goes wrong with an answer. Headers stay those of the true answer unless the kind says otherwise. */
export type Fault = FaultKind & {
  /** How many requests it hits; without it, all of them. */
  readonly times?: number
}

type FaultKind =
  /** Half of the announced body, then the connection breaks. */
  | { readonly kind: 'cut' }
  /** A complete answer of half the bytes, its length announced to match. */
  | { readonly kind: 'truncate' }
  /** One bit flipped in the middle; same length. */
  | { readonly kind: 'corrupt' }
  /** The true answer, late. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The true answer, once the test lets it go. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** The true answer, slowly. */
  | { readonly kind: 'drip'; readonly bytesPerSecond: number }
  /** The true body, then filler without end. */
  | { readonly kind: 'endless' }
  /** An error with a one-line text. */
  | { readonly kind: 'status'; readonly status: number }
  /** 200 with a web page, as hosts of single-page apps answer for a file they lack. */
  | { readonly kind: 'html' }
  /** The true body with `bytes` more, one unless told. */
  | { readonly kind: 'oversize'; readonly bytes?: number }
  /** 200 with other bytes. */
  | { readonly kind: 'replace'; readonly body: string | Uint8Array }
  /**
   * The connection breaks before any answer. A browser asks once more by itself when it had reused a
   * connection, so `times: 1` may go unnoticed there.
   */
  | { readonly kind: 'refuse' }

/** The faults that are set, the latest first in line. */
export class FaultPlan<F extends { readonly times?: number } = Fault> {
  #entries: { readonly pattern: RegExp; readonly fault: F; left: number }[] = []

  add(pattern: string, fault: F): void {
    this.#entries.unshift({ pattern: globToRegExp(pattern), fault, left: fault.times ?? Infinity })
  }

  clear(): void {
    this.#entries = []
  }

  /** The fault that hits this request, if any; counts it. */
  take(pathname: string): F | undefined {
    const entry = this.#entries.find(({ pattern, left }) => left > 0 && pattern.test(pathname))
    if (!entry) return undefined
    entry.left -= 1
    return entry.fault
  }
}

/** `*` is anything within one path segment, `**` also over several. */
export function globToRegExp(glob: string): RegExp {
  const source = glob
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : escape(part)))
    .join('')
  return new RegExp(`^${source}$`)
}

function escape(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}
