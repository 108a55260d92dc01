import { ACTIONS, type Action } from './api.js'
import { FIRST_VERSION, MODEL, REFERENCE, modelFile, type ModelState } from './repository.js'

/** The arguments of one CLI command. */
export interface Command {
  readonly args: readonly string[]
  /** The next command runs even if this one refuses, which is then what it is there to show. */
  readonly mayRefuse?: true
}

const BETTER = '2.0.0'
const BROKEN = '3.0.0'

/** The actions that make sense now. */
export function possibleActions(state: ModelState): readonly Action[] {
  return ACTIONS.filter((action) => isPossible(action, state))
}

function isPossible(action: Action, { versions, rollout }: ModelState): boolean {
  if (!rollout) return false
  const { stable, candidate, killed, coverage, steps } = rollout
  const onItsWay = candidate !== undefined && killed === 'none'
  const free = candidate === undefined && killed === 'none'
  switch (action) {
    case 'publish-v2':
      return !versions.includes(BETTER)
    case 'start-canary':
      return free && versions.includes(BETTER) && stable === FIRST_VERSION
    case 'step':
      return onItsWay && steps.some((step) => step > coverage)
    case 'promote':
      return onItsWay && candidate !== BROKEN
    case 'ship-broken':
      return free && stable !== BROKEN
    case 'kill':
      return killed === 'none'
    case 'revive':
      return killed !== 'none'
    case 'log':
      return true
    case 'reset':
      return stable !== FIRST_VERSION || candidate !== undefined || killed !== 'none'
  }
}

/** What a person would type for an action, one after the other. */
export function commandsOf(action: Action, { versions, rollout }: ModelState): readonly Command[] {
  const candidate = rollout?.candidate !== undefined
  switch (action) {
    case 'publish-v2':
      return [publish(BETTER, '--reference', REFERENCE)]
    case 'start-canary':
      return [start('--candidate', BETTER, '--steps', '5,25,100')]
    case 'step':
    case 'promote':
    case 'revive':
      return [change(action)]
    case 'kill':
      return [candidate ? change('kill', '--candidate') : change('kill')]
    case 'log':
      return [{ args: ['log', MODEL] }]
    case 'ship-broken': {
      const ship: readonly Command[] = [
        { ...publish(BROKEN), mayRefuse: true },
        publish(BROKEN, '--skip-replay'),
      ]
      // Once published, a version is there for good.
      return [...(versions.includes(BROKEN) ? [] : ship), start('--candidate', BROKEN, '--steps', '100')]
    }
    case 'reset':
      return [
        ...(rollout?.killed === 'model' ? [change('revive')] : []),
        // A repository never goes back: this is a newer state that names the older version.
        start('--stable', FIRST_VERSION),
      ]
  }
}

function publish(version: string, ...options: readonly string[]): Command {
  return { args: ['publish', modelFile(version), '--version', version, ...options] }
}

function start(...options: readonly string[]): Command {
  return change('start', ...options)
}

function change(what: string, ...options: readonly string[]): Command {
  return { args: ['rollout', what, MODEL, ...options] }
}
