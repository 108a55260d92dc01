import type { AfieldError, Outputs } from '@afield/protocol'
import type { Member } from '../../../packages/sdk/dist/router/member.js'
import type { Served, Terms } from '../../../packages/sdk/dist/keeper/ports.js'

/** What an engine of these tests serves. */
export const SERVED = {
  model: 'm',
  version: '1.0.0',
  arm: 'stable',
  backend: 'wasm',
  epoch: 0,
  step: 0,
} as Served
export const TERMS = { withdrawn: [] } as unknown as Terms

/** An engine that gives this answer to whatever it is asked, until it is ended. */
export function engine(outputs: Outputs = {}): Member {
  let end: Member['end'] = () => undefined
  const gone = new Promise<AfieldError | undefined>((resolve) => (end = resolve))
  return {
    id: 1,
    owner: undefined,
    sharesRuns: false,
    send: (pack) => {
      queueMicrotask(() => {
        pack.done(1)
        for (const call of pack.calls) call.settle({ outputs })
      })
      return true
    },
    keepAnswers: () => undefined,
    end,
    gone,
  }
}
