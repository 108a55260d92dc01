import type { StorageReport } from 'afield'
import { make } from '../element.js'
import { formatBytes, plural } from '../format.js'
import { glyph } from '../glyph.js'

const ROLES = {
  current: 'current',
  previous: 'previous, for the way back',
  pinned: 'asked for by number',
  other: 'kept',
} as const

/** The versions that are on the device whole, with the room each takes. */
export function showStorage(
  root: HTMLElement,
  { kind, models, bytes }: StorageReport,
  refused: readonly string[],
): void {
  const versions = models.flatMap((model) => model.versions)
  const place = kind === 'indexeddb' ? 'in IndexedDB' : 'in memory, for this visit only'
  const total = `${formatBytes(bytes)} ${place}, descriptors included`
  const state = JSON.stringify([versions, total, refused])
  if (root.dataset['shown'] === state) return
  root.dataset['shown'] = state
  const rows = versions.map(({ version, bytes: size, role }) =>
    make(
      'li',
      { 'data-role': role },
      glyph(version),
      make('b', {}, version),
      make('span', { class: 'role' }, refused.includes(version) ? 'refused here' : ROLES[role]),
      make('span', { class: 'size', title: plural(size, 'byte') }, formatBytes(size)),
    ),
  )
  if (rows.length === 0) root.replaceChildren(make('p', { class: 'hint' }, 'Nothing yet.'))
  else root.replaceChildren(make('ul', {}, ...rows), make('p', { class: 'hint' }, total))
}
