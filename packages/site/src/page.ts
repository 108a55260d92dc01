/** A page of the site, in Markdown; links to other pages are relative and end in `.md`. */
export interface Page {
  /** From the root of the site, such as `guides/from-pytorch.md`. */
  readonly path: string
  readonly title: string
  /** What it belongs to, above its title. */
  readonly section: string
  readonly markdown: string
}
