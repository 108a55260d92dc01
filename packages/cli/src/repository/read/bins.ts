import { sha256, utf8, type SuccinctRoles } from '@afield/protocol'

/** More would not make a device fetch less: the snapshot names every bin. */
export const MAX_BINS = 256

/** The delegated roles that a catalogue in bins is spread over. */
export const BINNED_ROLES = ['models', 'rollouts'] as const

/** The bin that lists a target: the first bits of its path's hash (TAP 15). */
export async function binOf(roles: BinNames, target: string): Promise<string> {
  const first = Number.parseInt((await sha256(utf8(target))).slice(0, 8), 16)
  return binName(roles, first >>> (32 - roles.bit_length))
}

/** Every bin, in order. */
export function binNames(roles: BinNames): readonly string[] {
  return Array.from({ length: 2 ** roles.bit_length }, (_, i) => binName(roles, i))
}

type BinNames = Pick<SuccinctRoles, 'bit_length' | 'name_prefix'>

function binName({ bit_length, name_prefix }: BinNames, index: number): string {
  const digits = (2 ** bit_length - 1).toString(16).length
  return `${name_prefix}-${index.toString(16).padStart(digits, '0')}`
}
