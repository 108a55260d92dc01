/**
 * The boundaries between steps that a crash may fall on, in their order. Whatever dies there, the next start serves a
 * verified version and finishes the update.
 */
export const STEPS = [
  'check/started',
  'check/root-accepted',
  'check/timestamp-accepted',
  'check/snapshot-accepted',
  'check/targets-accepted',
  'check/documents-verified',
  'check/stored',
  'download/started',
  'download/chunk-verified',
  'download/chunk-stored',
  'download/complete',
  'trial/written',
  'trial/session-made',
  'trial/confirmed',
  'swap/served',
  'evict/done',
] as const

export type Step = (typeof STEPS)[number]
