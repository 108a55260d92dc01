import type { AfieldError, KeeperEvent, LogLevel } from 'afield'
import type { DeviceOptions } from 'afield/node'

/** What a device told its app, in order. */
export interface Journal extends Required<Pick<DeviceOptions, 'logger' | 'onEvent'>> {
  readonly events: readonly KeeperEvent[]
  readonly logged: readonly { level: LogLevel; message: string; error: AfieldError | undefined }[]
  /** The messages of at least this level. */
  warnings(): readonly string[]
  of<T extends KeeperEvent['type']>(type: T): readonly Extract<KeeperEvent, { type: T }>[]
}

/**
 * Listens to a device.
 *
 * @example
 * const journal = keepJournal()
 * const device = startDevice(repository, journal)
 * expect(journal.of('update')).toHaveLength(1)
 */
export function keepJournal(): Journal {
  const events: KeeperEvent[] = []
  const logged: { level: LogLevel; message: string; error: AfieldError | undefined }[] = []
  return {
    events,
    logged,
    onEvent: (event) => void events.push(event),
    logger: (level, message, error) => void logged.push({ level, message, error }),
    warnings: () =>
      logged.filter(({ level }) => level === 'warn' || level === 'error').map(({ message }) => message),
    of: <T extends KeeperEvent['type']>(type: T) =>
      events.filter((event): event is Extract<KeeperEvent, { type: T }> => event.type === type),
  }
}
