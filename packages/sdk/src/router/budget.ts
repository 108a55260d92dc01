import type { EngineRole, EngineWanted } from '../keeper/ports.js'

/** What the engines of a page may take together. */
export interface Budget {
  readonly sessions: number
  readonly bytes: number
}

/** An engine that runs, and what for. */
export type Seat = Pick<EngineWanted, 'role' | 'modelBytes'>

const MAX_SESSIONS = 8
const GIB = 2 ** 30
/** Of what a browser that does not tell is taken to have. */
const USUAL_GIB = 4
const SHARE_OF_MEMORY = 4
/** onnxruntime's own heap and stacks, without a model. */
const RUNTIME_BYTES = 64 * 2 ** 20
/** The model's bytes pass through the heap once more while the session is made. */
const COPIES = 2

/** The first of these gives way first. What is not among them does not. */
const GIVING_WAY: readonly EngineRole[] = ['shadow', 'backend', 'pool', 'previous']

/**
 * Sessions: as many as cores, 2 to 8. Memory: a quarter of the device's. Half of both, and never less than one session,
 * on a device that says that it has 4 GiB or less.
 *
 * @param memoryGiB as `navigator.deviceMemory` tells, where it does.
 */
export function budgetOf(cores: number, memoryGiB: number | undefined): Budget {
  const sessions = Math.max(2, Math.min(cores, MAX_SESSIONS))
  const bytes = ((memoryGiB ?? USUAL_GIB) * GIB) / SHARE_OF_MEMORY
  const isSmall = memoryGiB !== undefined && memoryGiB <= 4
  return isSmall ? { sessions: Math.max(1, sessions >> 1), bytes: bytes / 2 } : { sessions, bytes }
}

/**
 * Finds room for an engine. One that is to serve always has it. An update may be staged beside whatever serves, one
 * more than there are sessions where they are all serving, if two engines fit at all.
 *
 * @returns which of those that run give way; `undefined` where there is no room even then.
 */
export function findRoom<S extends Seat>(
  wanted: Seat,
  running: readonly S[],
  budget: Budget,
): readonly S[] | undefined {
  const serving = running.filter(({ role }) => role === 'serving').length
  const spare = wanted.role === 'staging' && budget.sessions > 1 ? serving + 1 : serving
  const sessions = Math.max(budget.sessions, spare)
  const left = [...running]
  const leaving: S[] = []
  const fits = (): boolean => left.length < sessions && sum([...left, wanted]) <= budget.bytes
  const order = [...GIVING_WAY, wanted.role].indexOf(wanted.role)
  for (const role of GIVING_WAY.slice(0, order)) {
    for (const seat of running.filter((one) => one.role === role).reverse()) {
      if (fits()) return leaving
      left.splice(left.indexOf(seat), 1)
      leaving.push(seat)
    }
  }
  return fits() || wanted.role === 'serving' ? leaving : undefined
}

function sum(seats: readonly Seat[]): number {
  return seats.reduce((total, { modelBytes }) => total + COPIES * modelBytes + RUNTIME_BYTES, 0)
}
