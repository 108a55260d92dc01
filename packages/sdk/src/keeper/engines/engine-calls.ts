import type { AfieldError } from '@afield/protocol'
import { engineModel, modelBytes } from '../activation/engine-model.js'
import { BACKEND } from '../blobs/files.js'
import type { Ports } from '../ports.js'
import type { Rooms } from '../rooms.js'
import { doubt } from './doubt.js'
import type { EngineCalls, Load, OpenEngineCalls, RemoteContract } from './port.js'
import { remoteContract } from './remote-contract.js'

class KeeperEngineCalls implements EngineCalls {
  readonly #ports: Ports
  readonly #rooms: Rooms

  constructor(ports: Ports, rooms: Rooms) {
    this.#ports = ports
    this.#rooms = rooms
  }

  async grow(route: string): Promise<number | undefined> {
    const activator = this.#rooms.routes.get(route)
    const running = activator?.running
    const stored = running && (await activator.storedRunning())
    if (!running || !stored) return undefined
    const { backend } = running.served
    const engine = await this.#ports.host.openEngine({
      role: 'pool',
      runtime: running.terms.engine.build,
      modelBytes: modelBytes(stored, backend),
    })
    try {
      await engine.load({ ...engineModel(activator.model, stored, backend), selfTest: undefined })
      if (activator.running?.engine === running.engine) return engine.id
    } catch (error) {
      engine.close()
      throw error
    }
    engine.close()
    return undefined
  }

  consider(_route: string, _load: Load): Promise<number> {
    return Promise.resolve(Infinity)
  }

  async demote(route: string, _error: AfieldError): Promise<void> {
    await this.#rooms.loading.recover(route)
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
