import { randomBytes } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { AfieldError } from '@afield/protocol'
import { diskRefusal } from '../disk.js'
import { CliError } from '../errors.js'
import { configPlaces } from '../publish/config.js'
import { goldenPath } from '../publish/golden-file.js'
import { build, type DevBuild, type DevSources } from './build.js'
import { startHost } from './host.js'
import { createDevRepository } from './repository.js'
import type { DevState } from './state.js'
import { watchFiles } from './watch.js'

export interface DevOptions extends DevSources {
  /** The first free one from 4500 on when left out; 0 takes any. */
  readonly port?: number | undefined
  /** Called after each change of a file: with what serves, and why the files as they are now do not. */
  readonly onChange?: ((state: DevState) => void) | undefined
}

export interface DevServer {
  /** The page to try the model. */
  readonly url: string
  readonly state: () => DevState
  /** Ends the server; its repository and keys are gone then. */
  close(): Promise<void>
}

/**
 * Serves a model to try, as it lies on the disk: no keys, no contract, no checklist. What is published here is signed
 * by keys of this run alone and trusted by its own page alone.
 *
 * @throws CliError or AfieldError naming what is wrong with the model, the CSV or the config.
 * @example
 * const server = await startDev({ model: 'model.onnx', csv: 'rows.csv', targets: ['needs_support'] })
 * console.log(server.url)
 * await server.close()
 */
export async function startDev({ port, onChange, ...sources }: DevOptions): Promise<DevServer> {
  const repository = await createDevRepository()
  let attempts = 0
  const next = (): Promise<DevBuild> => build(sources, repository, `0.0.${++attempts}`)
  try {
    let state = stateOf(sources, randomBytes(8).toString('hex'), await next())
    const host = await startHost({ ...repository, state: () => state, port })
    let working: Promise<void> = Promise.resolve()
    const rebuild = async (): Promise<void> => {
      try {
        const made = await next()
        const watcher = await watching
        watcher.add(made.files)
        state = stateOf(sources, state.run, made)
      } catch (error) {
        state = { ...state, problem: problemOf(error) }
      }
      host.tell(state)
      onChange?.(state)
    }
    const watching = watchFiles(watched(sources), () => {
      working = working.then(rebuild)
    })
    const watcher = await watching
    return {
      url: host.url,
      state: () => state,
      close: async () => {
        await watcher.close()
        await working
        await host.close()
        await repository.remove()
      },
    }
  } catch (error) {
    await repository.remove()
    throw error
  }
}

function stateOf({ model, csv }: DevSources, run: string, { files: _watched, ...made }: DevBuild): DevState {
  return {
    run,
    modelFile: basename(model),
    csvFile: csv === undefined ? undefined : basename(csv),
    build: made,
    problem: undefined,
  }
}

function watched({ model, csv }: DevSources): readonly string[] {
  const files = [model, ...(csv === undefined ? [] : [csv]), goldenPath(model), ...configPlaces(model)]
  return files.map((file) => resolve(file))
}

function problemOf(error: unknown): { readonly code: string; readonly message: string } {
  const known = diskRefusal(error) ?? error
  const code = known instanceof CliError || known instanceof AfieldError ? known.code : 'internal/unexpected'
  return { code, message: known instanceof Error ? known.message : String(known) }
}
