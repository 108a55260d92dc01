/** `npm start`: the tour and all that it needs. */
import { parseArgs } from 'node:util'
import { wholeNumber } from './fleet/options.js'
import { DEFAULT_DEVICES, DEFAULT_PORT, startTour, type TourOptions } from './start-tour.js'

const HELP = `Publishes the example model to a repository of its own and starts the tour, on this machine alone.

  npm start [-- options]

  --port NUMBER      port of the pages (default ${DEFAULT_PORT}); the repository and the collector take the two
                     after it; a port that is taken gives way to a free one
  --devices NUMBER   simulated devices (default ${DEFAULT_DEVICES})

Ctrl-C ends it.`

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})

async function main(): Promise<void> {
  const options = parseOptions()
  if (options === 'help') return console.log(HELP)
  const tour = await startTour(options)
  const { urls } = tour
  for (const url of [
    urls.tour,
    urls.learnerRisk,
    urls.contentCheck,
    urls.digitReader,
    urls.dashboard,
    urls.docs,
  ]) {
    if (url !== undefined) console.log(`ready ${url}`)
  }
  console.log(`The repository that they read from: ${urls.repository}`)
  const end = (): void => {
    process.once('SIGINT', () => process.exit(1))
    void tour.close().then(() => process.exit(0))
  }
  process.once('SIGINT', end).once('SIGTERM', end)
}

function parseOptions(): TourOptions | 'help' {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      devices: { type: 'string', default: String(DEFAULT_DEVICES) },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  return {
    port: wholeNumber('--port', values.port, 0, 65_000),
    devices: wholeNumber('--devices', values.devices, 1, 500),
  }
}
