import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { AfieldError, asAfieldError } from '@afield/protocol'
import {
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client'

/** A folder for the embedded engine, or a ClickHouse server such as `http://user:password@host:8123`. */
export type StoreLocation =
  { readonly kind: 'embedded'; readonly dataDir: string } | { readonly kind: 'server'; readonly url: string }

/** What fails is thrown and logged by us, without the address and password that the client's own log would tell. */
const QUIET: ClickHouseClientConfigOptions = { log: { level: ClickHouseLogLevel.OFF } }

/**
 * Opens the store. The embedded engine allows one folder per process and one process per folder, and says so.
 *
 * @throws AfieldError `storage/unavailable`, with what to do about it.
 */
export async function openStore(location: StoreLocation): Promise<ClickHouseClient> {
  return location.kind === 'server' ? openServer(location.url) : openEmbedded(location.dataDir)
}

function openServer(url: string): ClickHouseClient {
  try {
    // A server may be set to answer before a row is on disk; a 2xx of ours must not.
    return createClient({ ...QUIET, url, clickhouse_settings: { async_insert: 0 } })
  } catch (error) {
    throw asAfieldError(error, 'storage/unavailable', 'The address of the ClickHouse server is not one.')
  }
}

async function openEmbedded(dataDir: string): Promise<ClickHouseClient> {
  const { createChdbConnection } = await loadChdb()
  const path = resolve(dataDir)
  try {
    mkdirSync(path, { recursive: true })
    return createClient({ ...QUIET, connection: asConnection(createChdbConnection({ path })) })
  } catch (cause) {
    throw new AfieldError(
      'storage/unavailable',
      `The data folder ${path} cannot be opened (${String(cause)}). ` +
        'It must be writable; a folder serves one collector, and a process opens one folder.',
      { cause },
    )
  }
}

async function loadChdb(): Promise<typeof import('chdb/connection')> {
  try {
    return await import('chdb/connection')
  } catch (cause) {
    throw new AfieldError(
      'storage/unavailable',
      'The embedded store needs the package chdb, which is not installed or has no build for this platform: ' +
        'run `npm install chdb`, or give the address of a ClickHouse server with `--clickhouse URL`.',
      { cause },
    )
  }
}

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>

/**
 * The client bundles its own copy of the interface that chDB implements from `@clickhouse/client-common`. The two
 * are the same but for a private field, which TypeScript compares by declaration.
 */
function asConnection(connection: unknown): Connection {
  return connection as Connection
}
