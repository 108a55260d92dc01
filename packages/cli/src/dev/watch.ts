import { once } from 'node:events'
import { dirname, resolve } from 'node:path'
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

/**
 * Calls back after files were changed, made or deleted; changes that come together count once.
 *
 * @returns once every change is seen.
 */
export async function watchFiles(files: readonly string[], changed: () => void): Promise<Watcher> {
  const wanted = new Set(files.map((file) => resolve(file)))
  const folders = new Set([...wanted].map((file) => dirname(file)))
  let timer: NodeJS.Timeout | undefined
  // Their folders, since a file that is deleted and made anew is lost to who watches it alone.
  const watcher = watch([...folders], {
    ignoreInitial: true,
    depth: 0,
    ignored: (path) => !wanted.has(resolve(path)) && !folders.has(resolve(path)),
    awaitWriteFinish: { stabilityThreshold: REST_MS, pollInterval: 40 },
  })
  const ready = once(watcher, 'ready')
  watcher.on('all', (_, path) => {
    if (!wanted.has(resolve(path))) return
    clearTimeout(timer)
    timer = setTimeout(changed, GATHER_MS)
  })
  await ready
  return {
    add: (more) => {
      for (const file of more.map((one) => resolve(one))) {
        wanted.add(file)
        if (folders.has(dirname(file))) continue
        folders.add(dirname(file))
        watcher.add(dirname(file))
      }
    },
    close: async () => {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}
