import { CliError } from '../errors.js'

/** Something that a person has to write into a config. */
export interface Item {
  /** Such as `card.users`. */
  readonly at: string
  /** What belongs there. */
  readonly write: string
  /** It is a list. */
  readonly many?: true
  /** Another file may say it, so that it may be absent. */
  readonly elsewhere?: true
}

/** The launch checklist: where each item stands in the config, and what belongs there. */
const ITEMS: readonly Item[] = [
  { at: 'owner', write: 'who answers for this model' },
  { at: 'checklist.pattern', write: '"canary" to send versions to a few devices first, or "direct"' },
  { at: 'checklist.fallback', write: 'what the app shows when no model can answer' },
  { at: 'checklist.metrics', write: 'a list of what you watch to know that a version is well', many: true },
  { at: 'checklist.rollback', write: 'how a version is taken back, step by step' },
  { at: 'contract.input', write: 'the fields that the model takes, each with type and range' },
  { at: 'contract.outputs', write: 'the named answers that the model gives' },
]

const CARD: readonly Item[] = [
  { at: 'card.type', write: 'what kind of model it is' },
  { at: 'card.trainingDate', write: 'the day on which it was trained' },
  { at: 'card.framework', write: 'what trained it, with its version', elsewhere: true },
  { at: 'card.intendedUse', write: 'what it is for' },
  { at: 'card.users', write: 'who uses its answers' },
  { at: 'card.dataSource', write: 'where the training data came from' },
  { at: 'card.dataSize', write: 'how much training data there was' },
  { at: 'card.limitations', write: 'where it must not be used, and what it gets wrong' },
]

/** How a value begins that somebody still has to write. */
const TODO = 'TODO'

/** What is still to fill in of a new config: the checklist and the card, each with what belongs there. */
export function blankItems(): { readonly owner: string; readonly checklist: object; readonly card: object } {
  const under = (room: string, items: readonly Item[]): object =>
    Object.fromEntries(
      items
        .filter(({ at }) => at.startsWith(`${room}.`))
        .map(({ at, write, many }) => {
          const todo = `${TODO}: ${write}`
          return [at.slice(room.length + 1), many ? [todo] : todo]
        }),
    )
  return {
    owner: `${TODO}: ${ITEMS[0]?.write ?? ''}`,
    checklist: under('checklist', ITEMS),
    card: under('card', CARD),
  }
}

/** All that is still to fill in. */
export function missingItems(config: unknown): readonly Item[] {
  const blank = [...ITEMS, ...CARD].filter(({ at, elsewhere }) => {
    const value = lookUp(config, at.split('.'))
    return isBlank(value) && !(elsewhere && value === undefined)
  })
  const todo = todosIn(config, '').filter(({ at }) => !blank.some((item) => at.startsWith(item.at)))
  return [...blank, ...todo]
}

/**
 * Refuses a config that lacks items of the launch checklist, naming all of them and what to write.
 *
 * @throws CliError `config/incomplete`.
 */
export function refuseIncomplete(config: unknown, path: string): void {
  const missing = missingItems(config)
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
  if (typeof value === 'string') return value.trim() === '' || isTodo(value)
  if (Array.isArray(value)) return value.every(isBlank)
  return typeof value === 'object' && Object.keys(value).length === 0
}

function isTodo(text: string): boolean {
  return text.trimStart().startsWith(TODO)
}

/** Whatever else somebody left for later, anywhere in the config. */
function todosIn(value: unknown, path: string): readonly Item[] {
  if (typeof value === 'string') {
    const write = value.trim().slice(TODO.length).replace(/^:\s*/, '') || 'something of your own'
    return isTodo(value) ? [{ at: path, write }] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inside]) =>
    todosIn(inside, path === '' ? key : `${path}.${key}`),
  )
}
