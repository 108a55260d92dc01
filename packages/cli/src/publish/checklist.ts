import { CliError } from '../errors.js'

/** The launch checklist: where each item stands in the config, and what belongs there. */
const ITEMS: readonly { readonly at: string; readonly write: string }[] = [
  { at: 'owner', write: 'who answers for this model' },
  { at: 'checklist.pattern', write: '"canary" to send versions to a few devices first, or "direct"' },
  { at: 'checklist.fallback', write: 'what the app shows when no model can answer' },
  { at: 'checklist.metrics', write: 'a list of what you watch to know that a version is well' },
  { at: 'checklist.rollback', write: 'how a version is taken back, step by step' },
  { at: 'contract.input', write: 'the fields that the model takes, each with type and range' },
  { at: 'contract.outputs', write: 'the named answers that the model gives' },
]

/**
 * Refuses a config that lacks items of the launch checklist, naming all of them and what to write.
 *
 * @throws CliError `config/incomplete`.
 */
export function refuseIncomplete(config: unknown, path: string): void {
  const missing = ITEMS.filter(({ at }) => isBlank(lookUp(config, at.split('.'))))
  if (missing.length === 0) return
  const list = missing.map(({ at, write }) => `  ${at}: ${write}`).join('\n')
  throw new CliError(
    'config/incomplete',
    `The launch checklist is not complete. Write into ${path}:\n${list}`,
  )
}

function lookUp(value: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    value,
  )
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value === 'string') return value.trim() === ''
  return typeof value === 'object' && Object.keys(value).length === 0
}
