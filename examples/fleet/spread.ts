import type { FleetDevice } from '../team/api.js'

export interface Spread {
  /** `none` for devices on which nothing serves. */
  readonly version: string
  readonly devices: number
  /** Devices on which another version failed. */
  readonly refusedAnother: number
}

/** How many devices run which version: version fragmentation, the known cost of running on devices. */
export function spreadOf(fleet: readonly FleetDevice[]): readonly Spread[] {
  const versions = [...new Set(fleet.map(({ version }) => version ?? 'none'))].sort()
  return versions.map((version) => {
    const on = fleet.filter((device) => (device.version ?? 'none') === version)
    return {
      version,
      devices: on.length,
      refusedAnother: on.filter(({ failed }) => failed.length > 0).length,
    }
  })
}

export function tableOf(spread: readonly Spread[]): string {
  const total = spread.reduce((sum, { devices }) => sum + devices, 0)
  const rows = spread.map(({ version, devices, refusedAnother }) => [
    version,
    String(devices),
    `${((100 * devices) / total).toFixed(1)} %`,
    String(refusedAnother),
  ])
  const head = ['version', 'devices', 'share', 'refused another']
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return [head, ...rows].map(line).join('\n')
}
