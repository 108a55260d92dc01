import type { AfieldError } from '@afield/protocol'
import { BACKEND } from '../blobs/files.js'
import type { Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { Considering } from './consider.js'
import { demote } from './demote.js'
import { doubt } from './doubt.js'
import { grow } from './grow.js'
import type { EngineCalls, Load, OpenEngineCalls, RemoteContract } from './port.js'
import { remoteContract } from './remote-contract.js'
import { Verdicts } from './verdicts.js'

class KeeperEngineCalls implements EngineCalls {
  readonly #ports: Ports
  readonly #rooms: Rooms
  readonly #verdicts: Verdicts
  readonly #considering: Considering
  readonly #demotions = new Map<string, Promise<void>>()

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
    // Several may find out at the same time; it is done, and told, once.
    const known = this.#demotions.get(route)
    if (known) return known
    const run = demote(this.#ports, this.#rooms, this.#verdicts, route, error).finally(() =>
      this.#demotions.delete(route),
    )
    this.#demotions.set(route, run)
    return run
  }

  async doubt(route: string, error: AfieldError, sustained: boolean): Promise<void> {
    const { backend } = this.#rooms.routes.get(route)?.running?.served ?? {}
    // Before a version is blamed, its backend is.
    if (backend !== undefined && backend !== BACKEND) return this.demote(route, error)
    await doubt(this.#ports, this.#rooms, route, error, sustained)
  }

  remoteContract(route: string): Promise<RemoteContract> {
    return remoteContract(this.#rooms, route)
  }
}

const open: OpenEngineCalls = (ports, rooms) => new KeeperEngineCalls(ports, rooms)
export default open
