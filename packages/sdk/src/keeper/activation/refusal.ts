import { AfieldError, type Decision, type Version } from '@afield/protocol'
import type { Failure } from './record.js'

type Refuse = Extract<Decision, { kind: 'refuse' }>

/** What `load()` and `predict()` reject with when it was decided that nothing may serve. */
export function refusalError(
  model: string,
  requested: string | undefined,
  { reason }: Refuse,
  failures: ReadonlyMap<Version, Failure>,
): AfieldError {
  switch (reason) {
    case 'model-killed':
      return new AfieldError(
        'model/killed',
        `The team has switched "${model}" off. Answer without it until \`afield rollout revive ${model}\`.`,
      )
    case 'revoked':
      return new AfieldError('model/revoked', `That version of "${model}" was revoked and never runs again.`)
    case 'not-found':
      return new AfieldError(
        'model/not-found',
        `"${model}" has no such version. Ask for one that was published.`,
      )
    case 'version-killed':
      return new AfieldError(
        'model/killed',
        `The team has switched ${requested} of "${model}" off. Load the model without a version.`,
      )
    case 'failed-here': {
      const failure = [...failures.values()].find(({ version }) => version === requested)
      return new AfieldError(
        failure?.code ?? 'model/self-test-failed',
        `${requested} of "${model}" does not work on this device: ${failure?.message ?? 'it failed here'}`,
      )
    }
    case 'nothing-runnable': {
      const [failure] = failures.values()
      return failure
        ? new AfieldError(failure.code, `No version of "${model}" works on this device: ${failure.message}`)
        : new AfieldError('model/not-found', `"${model}" has no version that may run. Publish one.`)
    }
  }
}
