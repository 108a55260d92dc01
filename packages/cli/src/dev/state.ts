import type { DevBuild } from './build.js'

/** What the page of a development server is told, whenever it changes. */
export interface DevState {
  /** Of this run of the server: what another run stored in the browser is of no use. */
  readonly run: string
  /** File names, for people. */
  readonly modelFile: string
  readonly csvFile: string | undefined
  /** What serves: the last state of the files that was good. */
  readonly build: Omit<DevBuild, 'files'>
  /** Why the files as they are now do not serve. */
  readonly problem: { readonly code: string; readonly message: string } | undefined
}
