#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_CELL_FLOOR, startCollector } from './collector.js'
import { DEFAULT_RATE_LIMIT } from './ingest/rate-limit.js'

interface Flags {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly key: readonly string[]
  readonly cellFloor: number
  readonly clickhouse?: string
  readonly readOrigin?: readonly string[]
  readonly ratePerSecond: number
  readonly trustProxy: boolean
  readonly logLevel: string
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string
}

await new Command('afield-collector')
  .description('Takes telemetry batches, keeps them in ClickHouse and shows how each version does.')
  .version(version)
  .option('--port <number>', 'port to listen on, 0 for any free one', wholeNumber, 8686)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--data <folder>', 'folder of the embedded store', 'afield-data')
  .requiredOption('--key <key...>', 'ingest keys that may report')
  .option('--cell-floor <device-days>', 'withhold a version below this', wholeNumber, DEFAULT_CELL_FLOOR)
  .option('--clickhouse <url>', 'use this ClickHouse server, not the embedded store')
  .option('--read-origin <origin...>', 'origins whose pages may read the query API')
  .option(
    '--rate-per-second <number>',
    'batches a second per source',
    wholeNumber,
    DEFAULT_RATE_LIMIT.perSecond,
  )
  .option('--trust-proxy', 'take the source from X-Forwarded-For', false)
  .addOption(
    new Option('--log-level <level>', 'log to standard error from this level on')
      .choices(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info'),
  )
  .action(run)
  .parseAsync()

async function run(flags: Flags): Promise<void> {
  try {
    const collector = await startCollector({
      port: flags.port,
      host: flags.host,
      dataDir: flags.data,
      keys: flags.key,
      cellFloor: flags.cellFloor,
      rateLimit: { perSecond: flags.ratePerSecond, burst: 30 * flags.ratePerSecond },
      trustProxy: flags.trustProxy,
      logger: { level: flags.logLevel, stream: process.stderr },
      ...(flags.clickhouse === undefined ? {} : { clickhouse: flags.clickhouse }),
      ...(flags.readOrigin === undefined ? {} : { readOrigins: flags.readOrigin }),
    })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => void collector.close().then(() => process.exit(0)))
    }
    console.log(`ready ${collector.url}`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number.')
}
