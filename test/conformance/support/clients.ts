import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AfieldError, checkBytes } from '@afield/protocol'
import { Updater as TufJs } from 'tuf-js'
import { systemClock } from '../../../packages/sdk/dist/keeper/adapters/memory.js'
import { Folder } from '../../../packages/sdk/dist/keeper/folder.js'
import { METADATA } from '../../../packages/sdk/dist/keeper/manifest/limits.js'
import type { TrustRecord } from '../../../packages/sdk/dist/keeper/manifest/stored.js'
import { Updater } from '../../../packages/sdk/dist/keeper/manifest/updater.js'
import type { Bytes, Files } from './draft.js'

/** A host that serves what it is given. */
export interface FileHost {
  readonly url: string
  files: Files
  readonly requests: string[]
  close(): Promise<void>
}

export async function startHost(files: Files): Promise<FileHost> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1))
    host.requests.push(path)
    const bytes = host.files.get(path)
    if (bytes) response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host: FileHost = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files,
    requests: [],
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return host
}

/** A TUF client that keeps what it accepted from one call to the next. */
export interface Client {
  /** Brings metadata up to date and downloads these targets; says how many. Rejects when anything is refused. */
  update(...paths: readonly string[]): Promise<number>
  close(): Promise<void>
}

export async function tufJs(url: string, root: Bytes): Promise<Client> {
  const metadataDir = await mkdtemp(join(tmpdir(), 'afield-tuf-js-'))
  await writeFile(join(metadataDir, 'root.json'), root)
  return {
    update: async (...paths) => {
      const updater = new TufJs({
        metadataDir,
        metadataBaseUrl: `${url}metadata`,
        targetDir: metadataDir,
        targetBaseUrl: `${url}targets`,
        config: { fetchRetries: 0, fetchTimeout: 5000 },
      })
      await updater.refresh()
      for (const path of paths) {
        const target = await updater.getTargetInfo(path)
        if (!target) throw new Error(`tuf-js does not find ${path}.`)
        await updater.downloadTarget(target, join(metadataDir, 'target'))
      }
      return paths.length
    },
    close: () => rm(metadataDir, { recursive: true, force: true }),
  }
}

/** Ours, with its record in memory. */
export function afield(url: string, root: Bytes): Client {
  let record: TrustRecord | undefined
  const ports = {
    fetch: (address: string, init?: RequestInit) => fetch(address, init),
    clock: systemClock,
    log: () => undefined,
  }
  return {
    update: async (...paths) => {
      const updater = await Updater.open({
        root,
        record,
        reference: Date.now(),
        source: new Folder(ports, `${url}metadata`, METADATA),
        save: (next) => {
          record = next
          return Promise.resolve()
        },
        log: ports.log,
      })
      await updater.refresh({ probeRoot: true })
      const targets = new Folder(ports, `${url}targets`, METADATA)
      for (const path of paths) {
        const target = await updater.find(path)
        if (!target) throw new AfieldError('model/not-found', `Nobody lists ${path}.`)
        const slash = path.lastIndexOf('/') + 1
        const hashed = `${path.slice(0, slash)}${target.hashes.sha256}.${path.slice(slash)}`
        const request = { path: hashed, file: path, maxBytes: target.length, cache: 'default' } as const
        await targets.verified(request, (bytes) => checkBytes(path, bytes, target))
      }
      return paths.length
    },
    close: () => Promise.resolve(),
  }
}
