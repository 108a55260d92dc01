import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export const HELP = `Runs a fleet of devices: the keeper that browsers run, many times in one process.

  npm run fleet -- --repository URL --root FILE [options]

  --repository URL   the repository, such as http://127.0.0.1:7421/
  --root FILE        its root metadata, such as .afield/tour/repository/metadata/1.root.json
  --devices NUMBER   how many (default 60)
  --seconds NUMBER   for how long (default 30)
  --collector URL    send telemetry there
  --key KEY          the collector's ingest key
  --seed NUMBER      repeats what is asked, and when (default random)
  --json             print JSON`

export interface FleetCommand {
  readonly repository: string
  readonly rootFile: string
  readonly devices: number
  readonly seconds: number
  readonly telemetry: { readonly collector: string; readonly key: string } | undefined
  readonly seed: number
  readonly json: boolean
}

/**
 * @returns `help` when that was asked for
 * @throws Error that says what is missing or wrong
 */
export function parseFleetCommand(args: readonly string[]): FleetCommand | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repository: { type: 'string' },
      root: { type: 'string' },
      devices: { type: 'string', default: '60' },
      seconds: { type: 'string', default: '30' },
      collector: { type: 'string' },
      key: { type: 'string' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const { repository, root, collector, key } = values
  if (repository === undefined || root === undefined) {
    throw new Error('Name a repository and its root: --repository URL --root FILE. --help shows all options.')
  }
  if ((collector === undefined) !== (key === undefined)) throw new Error('--collector and --key go together.')
  return {
    repository: httpUrl('--repository', repository),
    rootFile: root,
    devices: wholeNumber('--devices', values.devices, 1, 2000),
    seconds: wholeNumber('--seconds', values.seconds, 1, 86_400),
    telemetry:
      collector === undefined || key === undefined
        ? undefined
        : { collector: httpUrl('--collector', collector), key },
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json,
  }
}

/** @throws Error */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not "${text}".`)
}

function httpUrl(option: string, text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new Error(`${option} takes an http or https URL, not "${text}".`)
}
