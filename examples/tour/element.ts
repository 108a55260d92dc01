type Attributes = Readonly<Record<string, string | undefined>>

/** Makes an element; attributes that are `undefined` are left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

/** An element that the page is known to have. */
export function find<T extends Element = HTMLElement>(
  root: ParentNode,
  selector: string,
  kind: abstract new () => T,
): T {
  const element = root.querySelector(selector)
  if (element instanceof kind) return element
  throw new Error(`The page has no ${kind.name} at ${selector}.`)
}

/** Writes text only where it changed, so that a reader's selection and a screen reader stay undisturbed. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Plays the short highlight that says: this just changed. */
export function highlight(element: Element): void {
  element.classList.remove('fresh')
  // Asking for a box makes the browser forget the animation that ran before.
  element.getBoundingClientRect()
  element.classList.add('fresh')
}
