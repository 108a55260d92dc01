import type { Sha256 } from '@afield/protocol'
import type { Backing } from '../activation/fetcher.js'
import type { Ports } from '../ports.js'
import type { Tried } from './verdicts.js'

/** What a verdict is about: another GPU, runtime or browser must prove a version anew. */
export function triedOn({ platform }: Ports, descriptor: Sha256, { backend, gpu }: Backing): Tried {
  return { descriptor, backend, on: [gpu?.name ?? '', platform.runtime, platform.browserBuild].join(' ') }
}
