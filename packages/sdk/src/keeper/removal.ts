import { AfieldError, type Version } from '@afield/protocol'
import type { Activator } from './activation/activator.js'
import { without, type ModelRecords } from './activation/record.js'
import type { Evictor } from './blobs/evict.js'
import type { Checks } from './checks.js'
import type { Ports } from './ports.js'
import type { Routes } from './routes.js'

interface RemovalOptions {
  readonly checks: Checks
  readonly records: ModelRecords
  readonly evictor: Evictor
  readonly routes: Routes
}

/**
 * Takes models off the device because the app says so. What they did here stays remembered: removing a model is no way
 * out of a rollout. Bytes that others share stay too.
 */
export class Removal {
  readonly #ports: Pick<Ports, 'locks'>
  readonly #options: RemovalOptions

  constructor(ports: Pick<Ports, 'locks'>, options: RemovalOptions) {
    this.#ports = ports
    this.#options = options
  }

  /**
   * Closes a model and deletes all of it.
   *
   * @throws AfieldError `model/not-found`, `storage/unavailable`.
   */
  async removeModel(model: string): Promise<void> {
    const { checks, records, evictor } = this.#options
    const manifest = await checks.restore()
    // As they are now: who loads the model while this works gets it anew.
    const routes = this.#routes(model)
    const known = manifest?.models.has(model) || (await records.models()).includes(model)
    if (!known) checks.documents(model)
    await Promise.all(routes.map((activator) => this.#close(activator)))
    await this.#ports.locks.hold(`download ${model}`, async () => {
      await records.update(model, (record) => without(record))
      await evictor.discard(model)
    })
  }

  /**
   * Deletes a version that does not serve.
   *
   * @throws AfieldError `model/not-found`; `input/invalid` for the version that serves; `storage/unavailable`.
   */
  async removeVersion(model: string, version: Version): Promise<void> {
    const { checks, records, evictor } = this.#options
    const manifest = await checks.restore()
    const descriptor = manifest?.models.get(model)?.index.versions[version]?.descriptor.sha256
    if (!descriptor) {
      throw new AfieldError('model/not-found', `${version} of "${model}" is not known on this device.`)
    }
    const { current } = await records.read(model)
    const serves = [current, ...this.#routes(model).map(({ running }) => running)]
    if (serves.some((one) => one?.descriptor === descriptor)) {
      throw new AfieldError(
        'input/invalid',
        `${version} of "${model}" serves on this device. Remove the whole model, or another version.`,
      )
    }
    await this.#ports.locks.hold(`download ${model}`, async () => {
      await records.update(model, (record) => without(record, descriptor))
      await evictor.discard(model, version)
    })
  }

  #routes(model: string): readonly Activator[] {
    return this.#options.routes.all().filter((activator) => activator.model === model)
  }

  /** Nothing answers on this route any more until its model is loaded again. */
  async #close(activator: Activator): Promise<void> {
    const { routes } = this.#options
    routes.forget(activator)
    activator.end()
    const removed = `"${activator.model}" was removed from this device. Load it again.`
    await routes.turn(activator, () => activator.stop(new AfieldError('model/not-found', removed)))
  }
}
