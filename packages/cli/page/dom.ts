type Child = Node | string | false | undefined

/** An element with attributes, listeners (`onclick`) and children. */
export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(
    ...children.filter((child): child is Node | string => child !== undefined && child !== false),
  )
  return element
}

/** @throws Error when the page's own HTML lacks it. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element) return element
  throw new Error(`The page has no #${id}.`)
}
