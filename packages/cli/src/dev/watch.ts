import { watch } from 'chokidar'

/** A file that is written in parts is read once it has rested this long. */
const REST_MS = 120
/** Editors and converters touch several files at once. */
const GATHER_MS = 80

export interface Watcher {
  /** Watches these files from now on, too. */
  add(files: readonly string[]): void
  close(): Promise<void>
}

/** Calls back after files were changed, made or deleted; changes that come together count once. */
export function watchFiles(files: readonly string[], changed: () => void): Watcher {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch([...files], {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: REST_MS, pollInterval: 40 },
  })
  watcher.on('all', () => {
    clearTimeout(timer)
    timer = setTimeout(changed, GATHER_MS)
  })
  return {
    add: (more) => void watcher.add([...more]),
    close: async () => {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}
