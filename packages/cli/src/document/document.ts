/** A piece of a line: text that means what it says, or a name to be set as code. */
export type Inline = string | { readonly code: string }

/** A line of text. */
export type Line = Inline | readonly Inline[]

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly line: Line }
  /** Something that nobody should overlook. */
  | { readonly kind: 'warning'; readonly line: Line }
  | { readonly kind: 'list'; readonly items: readonly Line[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly Line[])[] }
  | { readonly kind: 'code'; readonly language: string; readonly text: string }

/**
 * What is written for people, apart from how: text in it is data and never markup, whoever published it. Rendered by
 * `renderMarkdown` and `renderHtml`.
 */
export interface Document {
  readonly title: string
  readonly subtitle: string
  readonly blocks: readonly Block[]
}

export const heading = (text: string): Block => ({ kind: 'heading', text })
export const paragraph = (...line: readonly Inline[]): Block => ({ kind: 'paragraph', line })
export const warning = (...line: readonly Inline[]): Block => ({ kind: 'warning', line })
export const code = (text: string): Inline => ({ code: text })

/** Names and what there is to say of each. */
export function facts(rows: Readonly<Record<string, Line>>): Block {
  return { kind: 'table', head: ['', ''], rows: Object.entries(rows) }
}

export function inlines(line: Line): readonly Inline[] {
  return typeof line === 'string' || 'code' in line ? [line] : line
}
