import { readFile, stat } from 'node:fs/promises'
import { extname, join, relative, resolve } from 'node:path'

/** A file as a static host would serve it. */
export interface ServedFile {
  readonly body: Buffer
  readonly type: string
  readonly etag: string
  readonly modified: Date
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}

/** Finds what `pathname` names below its longest mount point; a folder answers with its `index.html`. */
export async function findFile(
  mounts: Readonly<Record<string, string>>,
  pathname: string,
): Promise<ServedFile | undefined> {
  const points = Object.keys(mounts).sort((a, b) => b.length - a.length)
  const point = points.find((mount) => isBelow(mount, pathname))
  const folder = point === undefined ? undefined : mounts[point]
  if (point === undefined || folder === undefined) return undefined
  const root = resolve(folder)
  const path = join(root, decodeURIComponent(pathname).slice(point.length))
  if (relative(root, path).startsWith('..')) return undefined
  return (await read(path)) ?? (await read(join(path, 'index.html')))
}

function isBelow(mount: string, pathname: string): boolean {
  return pathname === mount || pathname.startsWith(mount.endsWith('/') ? mount : `${mount}/`)
}

async function read(path: string): Promise<ServedFile | undefined> {
  const found = await stat(path, { bigint: true }).catch(absent)
  if (!found?.isFile()) return undefined
  return {
    body: await readFile(path),
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    // In nanoseconds, so that a file written twice within a second is two versions.
    etag: `"${found.size.toString(36)}-${found.mtimeNs.toString(36)}"`,
    modified: found.mtime,
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
