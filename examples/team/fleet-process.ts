import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { FromFleet, ToFleet } from '../fleet/messages.js'
import type { FleetDevice } from './api.js'

export interface FleetProcessOptions {
  readonly projectRoot: string
  readonly repository: string
  /** The file of the repository's root metadata. */
  readonly rootFile: string
  readonly devices: number
  /** Devices look for what the team did within this time, so that they move one after the other. */
  readonly newsWithinMs: number
  /** Where telemetry goes, and the key for it; nothing is sent without. */
  readonly telemetry: { readonly collector: string; readonly key: string } | undefined
}

export interface Fleet {
  readonly devices: readonly FleetDevice[]
  onChange(listener: () => void): void
  /** The team changed something: each device looks for it before long. */
  tellNews(): void
  close(): Promise<void>
}

const STOP_WITHIN_MS = 4000

/** Starts the fleet in a process of its own, so that its work delays nobody who uses the pages. */
export function startFleet(options: FleetProcessOptions): Fleet {
  const child = spawn(process.execPath, argumentsOf(options), {
    cwd: options.projectRoot,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const listeners = new Set<() => void>()
  let devices: readonly FleetDevice[] = []
  let closing = false
  const change = (next: readonly FleetDevice[]): void => {
    devices = next
    for (const listener of listeners) listener()
  }
  child.on('message', (message: FromFleet) => change(message.devices))
  child.on('exit', (code) => {
    if (!closing)
      console.error(`The fleet's process ended by itself (${code ?? 'by a signal'}); its devices are gone.`)
    change([])
  })
  return {
    get devices() {
      return devices
    },
    onChange: (listener) => void listeners.add(listener),
    tellNews: () => tell(child, { type: 'news', withinMs: options.newsWithinMs }),
    close: async () => {
      closing = true
      listeners.clear()
      await stop(child)
    },
  }
}

function argumentsOf({ repository, rootFile, devices, telemetry }: FleetProcessOptions): readonly string[] {
  const fleet = ['--repository', repository, '--root', rootFile, '--devices', String(devices)]
  const reports = telemetry ? ['--collector', telemetry.collector, '--key', telemetry.key] : []
  return ['--import', 'tsx', 'examples/fleet/main.ts', ...fleet, ...reports]
}

function tell(child: ChildProcess, message: ToFleet): void {
  if (child.connected) child.send(message)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  tell(child, { type: 'stop' })
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(timer)
}
