/** 0: done. 1: refused or failed. 2: the command was not understood. 3: a proposal waits for approvals. */
export type ExitCode = 0 | 1 | 2 | 3

/** Thrown by a command that has printed its result and ends with another code than 0. */
export class Exit extends Error {
  constructor(readonly code: ExitCode) {
    super(`exit code ${code}`)
  }
}

export const EXIT_CODES =
  'Exit codes: 0 done; 1 refused or failed; 2 not understood; 3 a proposal waits for approvals.'
