import { inject } from 'vitest'

/** Folder of the test app, to be served under `/app/`. All files of a suite share it, so nothing may write to it. */
export function testApp(): string {
  return inject('testApp')
}
