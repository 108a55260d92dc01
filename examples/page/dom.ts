/**
 * The element of an id, of the expected kind.
 *
 * @throws Error when the page has none: page and script then belong to different builds.
 */
export function byId<T extends Element>(id: string, kind: abstract new () => T): T {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`This page has no ${kind.name} "${id}".`)
}
