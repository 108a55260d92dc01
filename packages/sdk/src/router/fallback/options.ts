import type { AfieldError, Outputs } from '@afield/protocol'
import type { ModelInput } from '../../inputs.js'

/** Who answers when the model cannot, in this order. An older version that is on the device comes before all of them. */
export interface FallbackOptions<O = Outputs, I = ModelInput> {
  readonly remote?: RemoteOptions
  /**
   * The last resort: outputs, or a function that gives them, from the input and why the model did not answer. They are
   * handed on as they are, and where the model could not be asked the input was looked at by nobody.
   */
  readonly answer?: O | ((input: I, reason: AfieldError) => O | Promise<O>)
}

/** A fallback of whatever model: its function takes what that model takes. */
export type AnyFallback = FallbackOptions<Outputs, never>

/** A server that speaks the Open Inference Protocol. Inputs leave the device only where an app gives one. */
export interface RemoteOptions {
  /** Base URL, `https:` but for this machine: what is asked is `POST <url>/v2/models/<name>/infer`. */
  readonly url: string
  /** What the server calls the model; default its name. */
  readonly model?: string
  /** Called for each request, such as for a fresh token. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** Default 5,000 ms. */
  readonly timeoutMs?: number
}
