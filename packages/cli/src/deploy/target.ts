/** The place where browsers fetch a repository from. Paths are those of the repository, with `/`. */
export interface DeployTarget {
  /** For messages: a folder, or `s3://bucket/prefix`. */
  readonly name: string
  /** Every file that is there, with its size in bytes; NaN where that is not told. */
  list(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>
  read(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Writes a file whole or not at all, in place of one that may be there. */
  write(path: string, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void>
  /** Writes a new file, whole or not at all. `exists` when one is there; it is left alone. */
  create(path: string, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<'created' | 'exists'>
}
