import { watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { commandsOf, possibleActions } from './actions.js'
import type { Action, CommandRun, TeamState } from './api.js'
import type { Fleet } from './fleet-process.js'
import { readModelState, type ModelState } from './repository.js'
import { RollbackClock } from './rollback-clock.js'
import { runCli } from './run-cli.js'

export interface TeamOptions {
  readonly projectRoot: string
  /** The repository's folder, from the project's folder. */
  readonly repo: string
  readonly fleet: Fleet
}

/** An action that cannot be done now. */
export class Refusal extends Error {
  constructor(
    readonly code: 'team/busy' | 'team/impossible',
    message: string,
  ) {
    super(message)
  }
}

const COMMANDS_KEPT = 30
/** One change writes several files. */
const SETTLE_MS = 50

/** The team's side of the loop: runs commands, watches the repository and the fleet, tells what is so. */
export class Team {
  readonly #options: TeamOptions
  readonly #listeners = new Set<() => void>()
  readonly #rollback = new RollbackClock()
  readonly #watcher: FSWatcher
  #model: ModelState
  #running: Action | undefined
  #commands: readonly CommandRun[] = []
  #settling: ReturnType<typeof setTimeout> | undefined

  /** Starts watching a repository that has its first version. */
  static async open(options: TeamOptions): Promise<Team> {
    return new Team(options, await readModelState(join(options.projectRoot, options.repo)))
  }

  private constructor(options: TeamOptions, model: ModelState) {
    this.#options = options
    this.#model = model
    // Commands that somebody types in a terminal show here too.
    this.#watcher = watch(join(options.projectRoot, options.repo, 'metadata'), (_, file) => {
      if (file === 'timestamp.json') this.#settle()
    })
    options.fleet.onChange(() => {
      this.#rollback.watch(options.fleet.devices)
      this.#tell()
    })
  }

  get state(): TeamState {
    const { versions, rollout } = this.#model
    return {
      versions,
      stable: rollout?.stable,
      candidate: rollout?.candidate,
      coverage: (rollout?.coverage ?? 0) / 100,
      killed: rollout?.killed ?? 'none',
      possible: this.#running === undefined ? possibleActions(this.#model) : [],
      running: this.#running,
      commands: this.#commands,
      fleet: this.#options.fleet.devices,
      rollbackMs: this.#rollback.ms,
    }
  }

  /** Calls back after each change. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Runs an action's commands, one action at a time, and returns the last command.
   *
   * @throws Refusal when another action runs, or this one makes no sense now.
   */
  async act(action: Action): Promise<CommandRun> {
    if (this.#running !== undefined) {
      throw new Refusal('team/busy', `"${this.#running}" is still running. Wait for it.`)
    }
    if (!possibleActions(this.#model).includes(action)) {
      throw new Refusal('team/impossible', `"${action}" makes no sense now.`)
    }
    this.#running = action
    this.#tell()
    try {
      const last = await this.#run(action)
      if (action === 'kill' && last.ok) this.#startClock()
      return last
    } finally {
      this.#running = undefined
      await this.#reread()
    }
  }

  close(): void {
    clearTimeout(this.#settling)
    this.#watcher.close()
    this.#listeners.clear()
  }

  async #run(action: Action): Promise<CommandRun> {
    let last: CommandRun | undefined
    for (const { args, mayRefuse } of commandsOf(action, this.#model)) {
      const { projectRoot, repo } = this.#options
      const result = await runCli(projectRoot, [...args, '--repo', repo])
      last = { action, ...result, at: new Date().toISOString() }
      this.#commands = [last, ...this.#commands].slice(0, COMMANDS_KEPT)
      this.#tell()
      if (!last.ok && !mayRefuse) break
    }
    if (!last) throw new Error(`"${action}" has no command.`)
    return last
  }

  /** The state from before the kill still names what the kill took back. */
  #startClock(): void {
    const candidate = this.#model.rollout?.candidate
    this.#rollback.start(
      candidate === undefined ? 'everything' : { version: candidate },
      this.#options.fleet.devices,
    )
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      this.#options.fleet.tellNews()
      this.#reread().catch((error: unknown) => console.error('The repository could not be read.', error))
    }, SETTLE_MS)
  }

  async #reread(): Promise<void> {
    this.#model = await readModelState(join(this.#options.projectRoot, this.#options.repo))
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
