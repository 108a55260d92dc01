import type { AfieldError } from '@afield/protocol'
import type { Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { Considering } from './consider.js'
import { demote } from './demote.js'
import { grow } from './grow.js'
import type { EngineCalls, Load, OpenEngineCalls } from './port.js'
import { Verdicts } from './verdicts.js'

class KeeperEngineCalls implements EngineCalls {
  readonly #ports: Ports
  readonly #rooms: Rooms
  readonly #verdicts: Verdicts
  readonly #considering: Considering

  constructor(ports: Ports, rooms: Rooms) {
    this.#ports = ports
    this.#rooms = rooms
    this.#verdicts = new Verdicts(ports, rooms.life)
    this.#considering = new Considering(ports, rooms, this.#verdicts)
  }

  grow(route: string): Promise<number | undefined> {
    return grow(this.#ports, this.#rooms, route)
  }

  consider(route: string, load: Load): Promise<number> {
    return this.#considering.consider(route, load)
  }

  demote(route: string, error: AfieldError): Promise<void> {
    return demote(this.#ports, this.#rooms, this.#verdicts, route, error)
  }

  async doubt(route: string, _error: AfieldError, _sustained: boolean): Promise<void> {
    await this.#rooms.loading.recover(route)
  }

  supplyRemote(_route: string, _engine: number): Promise<void> {
    return Promise.resolve()
  }
}

const open: OpenEngineCalls = (ports, rooms) => new KeeperEngineCalls(ports, rooms)
export default open
