import { AfieldError, asAfieldError } from '@afield/protocol'
import type { ModelInput, Prediction } from '../api.js'
import type { Route } from './route.js'

/**
 * Asks all at once, so that one engine, and with it one version, answers them all and in as few runs as the model
 * allows.
 */
export function predictMany(
  route: Route,
  inputs: readonly ModelInput[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Prediction[]> {
  return Promise.all(
    inputs.map(async (input, index) => {
      try {
        return await route.predict(input, { signal })
      } catch (cause) {
        const { code, message, details } = asAfieldError(cause, 'internal/unexpected', 'predict() failed')
        throw new AfieldError(code, `Input ${index + 1}: ${message}`, {
          cause,
          details: { ...details, index },
        })
      }
    }),
  )
}
