/** What a page says of an error, in Markdown. */
export interface ErrorPage {
  /** What happened, in a sentence or two. */
  readonly happened: string
  /** What usually is behind it. */
  readonly why: readonly string[]
  /** What to do, the likeliest first. */
  readonly fix: readonly string[]
}
