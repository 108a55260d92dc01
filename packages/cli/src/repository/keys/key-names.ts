/** The top-level roles and the delegated role of rollouts: what a key can be for. */
export const KEY_ROLES = ['root', 'targets', 'rollouts', 'snapshot', 'timestamp'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

/**
 * `release` signs root and targets: what may run at all. `ops` signs rollouts, snapshot and timestamp: who gets
 * which of it. A machine that steers rollouts needs only the second.
 */
export type KeyName = 'release' | 'ops'

/** What a key file is called after: its group, or with `--roles separate` the one role it signs. */
export type KeyOwner = KeyName | KeyRole

export const ROLES_OF: Readonly<Record<KeyOwner, readonly KeyRole[]>> = {
  release: ['root', 'targets'],
  ops: ['rollouts', 'snapshot', 'timestamp'],
  root: ['root'],
  targets: ['targets'],
  rollouts: ['rollouts'],
  snapshot: ['snapshot'],
  timestamp: ['timestamp'],
}

export function isKeyOwner(text: string): text is KeyOwner {
  return Object.hasOwn(ROLES_OF, text)
}

/** The group whose machine holds the keys of an owner. */
export function groupOf(owner: KeyOwner): KeyName {
  return ROLES_OF[owner].every((role) => ROLES_OF.release.includes(role)) ? 'release' : 'ops'
}

/** A key file's name taken apart: `release-2.next.ecdsa.pem`. */
export interface KeyFileName {
  readonly owner: KeyOwner
  /** Which of several keys that share a threshold. */
  readonly number: number | undefined
  /** Made by a rotation that is not finished. */
  readonly next: boolean
  readonly ecdsa: boolean
}

export function parseKeyFileName(name: string): KeyFileName | undefined {
  const [, owner = '', number, next, ecdsa] =
    /^([a-z]+)(?:-(\d{1,2}))?(\.next)?(\.ecdsa)?\.pem$/.exec(name) ?? []
  if (!isKeyOwner(owner)) return undefined
  return {
    owner,
    number: number === undefined ? undefined : Number(number),
    next: next !== undefined,
    ecdsa: ecdsa !== undefined,
  }
}

export function keyFileName({ owner, number, next, ecdsa }: KeyFileName): string {
  return `${owner}${number === undefined ? '' : `-${number}`}${next ? '.next' : ''}${ecdsa ? '.ecdsa' : ''}.pem`
}
