import type { ErrorCode } from '@afield/protocol'

/** What a status code means, and the codes of the error that comes with it. */
export interface Failure {
  readonly status: number
  readonly meaning: string
  readonly codes: readonly ErrorCode[]
}

/** How the errors of a prediction look over HTTP. */
export const FAILURES: readonly Failure[] = [
  {
    status: 400,
    meaning: 'The input does not fit the contract; details.field names what is at fault.',
    codes: ['input/invalid'],
  },
  { status: 404, meaning: 'There is no such model or version.', codes: ['model/not-found'] },
  {
    status: 410,
    meaning: 'The version that was asked for is revoked and never runs again.',
    codes: ['model/revoked'],
  },
  {
    status: 500,
    meaning: 'The model failed on this input, or something unforeseen happened.',
    codes: ['engine/run-failed', 'internal/unexpected'],
  },
  {
    status: 503,
    meaning:
      'The model cannot answer now: switched off, not there yet, asked too much, or its engine failed.',
    codes: [
      'model/killed',
      'model/self-test-failed',
      'engine/crashed',
      'engine/device-lost',
      'engine/hung',
      'engine/no-room',
      'engine/out-of-memory',
      'engine/overloaded',
      'engine/runtime-unavailable',
      'engine/session-failed',
      'engine/unavailable',
      'manifest/unavailable',
      'chunk/unavailable',
    ],
  },
  {
    status: 504,
    meaning: 'No answer came in the time that the request gave.',
    codes: ['engine/timeout'],
  },
]
