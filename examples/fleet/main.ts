/** `npm run fleet`: a fleet in this process, on its own or told what happens by the tour's team server. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fleet } from './fleet.js'
import type { FromFleet, ToFleet } from './messages.js'
import { HELP, parseFleetCommand, type FleetCommand } from './options.js'
import { spreadOf, tableOf } from './spread.js'

const REPORT_EVERY_MS = 100

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})

async function main(): Promise<void> {
  const command = parseFleetCommand(process.argv.slice(2))
  if (command === 'help') console.log(HELP)
  else if (process.send) await serveTeam(command)
  else await runAlone(command)
}

async function runAlone(command: FleetCommand): Promise<void> {
  const fleet = await createFleet(command)
  const began = performance.now()
  await fleet.start()
  const startMs = Math.round(performance.now() - began)
  await sleep(command.seconds * 1000)
  const spread = spreadOf(fleet.devices)
  await fleet.stop()
  const { devices, seconds, seed, json } = command
  const { answers, errors } = fleet
  if (json) return console.log(JSON.stringify({ devices, seconds, seed, startMs, answers, errors, spread }))
  console.log(tableOf(spread))
  console.log(
    `${devices} devices started in ${startMs} ms; ${answers} answers and ${errors} errors in ${seconds} s. Seed ${seed}.`,
  )
}

async function serveTeam(command: FleetCommand): Promise<void> {
  let waiting: ReturnType<typeof setTimeout> | undefined
  const report = (): void => {
    waiting = undefined
    const message: FromFleet = { type: 'fleet', devices: fleet.devices }
    if (process.connected) process.send?.(message)
  }
  const fleet = await createFleet(command, () => (waiting ??= setTimeout(report, REPORT_EVERY_MS)))
  const stop = async (): Promise<void> => {
    await fleet.stop()
    process.exit(0)
  }
  // Ctrl-C reaches the whole process group; the team's server then says when to stop.
  process.on('SIGINT', () => undefined)
  process.once('disconnect', () => process.exit(0))
  process.on('message', (message: ToFleet) => {
    if (message.type === 'news') fleet.hearNews(message.withinMs)
    else void stop()
  })
  report()
  await fleet.start()
}

async function createFleet(command: FleetCommand, onChange?: () => void): Promise<Fleet> {
  const { repository, rootFile, devices, telemetry, seed } = command
  return new Fleet({
    repository,
    root: await readRoot(rootFile),
    devices,
    seed,
    telemetry: telemetry && {
      endpoint: new URL('/v1/batches', telemetry.collector).href,
      key: telemetry.key,
      basis: 'legitimate-interest',
      sealEveryMs: 5000,
      floor: 1,
    },
    ...(onChange ? { onChange } : {}),
  })
}

async function readRoot(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Error(`${file} cannot be read. --root names the repository's metadata/1.root.json.`, { cause })
  }
}
