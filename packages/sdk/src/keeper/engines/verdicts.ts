import { AfieldError } from '@afield/protocol'
import { BACKEND_TRIAL } from '../activation/record.js'
import type { Ports } from '../ports.js'
import { BACKENDS_KEY, readBackends, verdictsOn, type BackendRecord, type Verdict } from './verdict-record.js'

/** A version on a backend, on what this device has for it. */
export type Tried = Pick<Verdict, 'descriptor' | 'backend' | 'on'>

type VerdictPorts = Pick<Ports, 'clock' | 'locks' | 'log' | 'state'>

const MAX_REMEMBERED = 100

/** What this device found out about backends, and remembers over visits. */
export class Verdicts {
  readonly #ports: VerdictPorts
  readonly #life: string
  /** Where nothing can be stored, what this visit found out. */
  #unstored: BackendRecord | undefined

  constructor(ports: VerdictPorts, life: string) {
    this.#ports = ports
    this.#life = life
  }

  /** The verdict that holds now. */
  async find({ descriptor, backend, on }: Tried): Promise<Verdict | undefined> {
    const holding = verdictsOn(await this.#read(), descriptor, this.#ports.clock.now())
    return holding.find((one) => one.backend === backend && one.on === on)
  }

  remember(verdict: Verdict): Promise<void> {
    return this.#update((record) => {
      const others = record.verdicts.filter((one) => nameOf(one) !== nameOf(verdict))
      const { [nameOf(verdict)]: _settled, ...strikes } = record.strikes
      return { ...record, strikes, verdicts: [...others, verdict].slice(-MAX_REMEMBERED) }
    })
  }

  /** How long it takes to bring a backend up here; `undefined` before it was first done. */
  async bringUpMs(build: string): Promise<number | undefined> {
    return (await this.#read()).bringUpMs[build]
  }

  rememberBringUp(build: string, ms: number): Promise<void> {
    return this.#update((record) => ({ ...record, bringUpMs: { ...record.bringUpMs, [build]: ms } }))
  }

  /** Writes a trial down before it begins, so that the death of the page during it shows at the next. */
  async begin(tried: Tried): Promise<void> {
    await this.#write(BACKEND_TRIAL + this.#life, nameOf(tried))
  }

  async end(): Promise<void> {
    await this.#write(BACKEND_TRIAL + this.#life, undefined)
  }

  /**
   * Counts what was tried when a page died; only while no other tab tries anything.
   *
   * @returns how often that was the case with this.
   */
  async strikes(tried: Tried): Promise<number> {
    const { state } = this.#ports
    const own = BACKEND_TRIAL + this.#life
    const keys = (await state.keys()).filter((key) => key.startsWith(BACKEND_TRIAL) && key !== own)
    const died = keys.length > 0 ? await state.getMany(keys) : []
    if (died.length > 0) {
      await this.#update(({ strikes, ...record }) => {
        const more = { ...strikes }
        for (const name of died.map(String)) more[name] = (more[name] ?? 0) + 1
        return { ...record, strikes: more }
      })
      for (const key of keys) await this.#write(key, undefined)
    }
    return (await this.#read()).strikes[nameOf(tried)] ?? 0
  }

  async #read(): Promise<BackendRecord> {
    return this.#unstored ?? readBackends(this.#ports)
  }

  async #update(change: (record: BackendRecord) => BackendRecord): Promise<void> {
    await this.#ports.locks.hold('record backends', async () => {
      const next = change(await this.#read())
      this.#unstored = (await this.#write(BACKENDS_KEY, next)) ? undefined : next
    })
  }

  async #write(key: string, value: unknown): Promise<boolean> {
    try {
      await this.#ports.state.write(new Map([[key, value]]))
      return true
    } catch (error) {
      if (!(error instanceof AfieldError)) throw error
      this.#ports.log('warn', 'What was learned about a backend could not be stored.', error)
      return false
    }
  }
}

function nameOf({ descriptor, backend, on }: Tried): string {
  return [descriptor, backend, on].join(' ')
}
