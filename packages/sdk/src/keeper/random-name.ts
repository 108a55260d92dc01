import { toHex } from '@afield/protocol'
import type { Ports } from './ports.js'

/** The name of a page's life, a device or a batch: 128 random bits in hex. */
export function randomName(random: Ports['random']): string {
  return toHex(random(16))
}
