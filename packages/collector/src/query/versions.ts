import {
  compareVersions,
  histogram,
  type Day,
  type ErrorCode,
  type Histogram,
  type ModelName,
  type Version,
} from '@afield/protocol'
import { assessHealth, successRate, type Health, type HealthThresholds } from '@afield/judge'
import type { VersionTotals } from './cells.js'

/** A version with too few device-days to be shown: nothing about it but that it is there. */
export interface WithheldVersion {
  readonly model: ModelName
  readonly version: Version
  readonly withheld: true
}

/** Milliseconds, each within 1.09 % of the exact value of the latencies that were reported. */
export interface LatencySummary {
  readonly mean: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

export interface PublishedVersion {
  readonly model: ModelName
  readonly version: Version
  readonly withheld: false
  /** Answers served. */
  readonly served: number
  readonly errors: { readonly [code in ErrorCode]?: number }
  /** 0 to 1; `null` where nothing was attempted. */
  readonly successRate: number | null
  /** `null` where no latency was reported. */
  readonly latencyMs: LatencySummary | null
  readonly latency: Histogram
  readonly deviceDays: number
  /** Of the answers of the model's published versions, 0 to 1. */
  readonly share: number
  readonly firstDay: Day
  readonly lastDay: Day
  readonly health: Health
}

export type VersionReport = PublishedVersion | WithheldVersion

/** What `GET /v1/versions` answers: models by name, the newest version of each first. */
export interface VersionsReport {
  /** Device-days below which a version is withheld. */
  readonly cellFloor: number
  readonly versions: readonly VersionReport[]
}

export interface ReportRules {
  readonly cellFloor: number
  readonly health: HealthThresholds
}

/** Turns totals into what may be published about them. */
export function reportVersions(
  totals: readonly VersionTotals[],
  { cellFloor, health }: ReportRules,
): VersionsReport {
  const published = totals.filter((version) => version.deviceDays >= cellFloor)
  // Shares are of what is published: of everything, they would tell what was withheld.
  const volume = volumeByModel(published)
  const versions = [...totals].sort(byModelThenNewest).map((version) => {
    if (!published.includes(version)) return withhold(version)
    return publish(version, volume.get(version.model) ?? 0, health)
  })
  return { cellFloor, versions }
}

function withhold({ model, version }: VersionTotals): WithheldVersion {
  return { model, version, withheld: true }
}

function publish(totals: VersionTotals, volume: number, thresholds: HealthThresholds): PublishedVersion {
  return {
    ...totals,
    withheld: false,
    successRate: successRate(totals) ?? null,
    latencyMs: summarise(totals.latency),
    share: volume > 0 ? totals.served / volume : 0,
    health: assessHealth(totals, thresholds),
  }
}

function summarise(latency: Histogram): LatencySummary | null {
  const mean = histogram.mean(latency)
  if (mean === undefined) return null
  const at = (q: number): number => histogram.quantile(latency, q) ?? mean
  return { mean, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

function volumeByModel(totals: readonly VersionTotals[]): ReadonlyMap<ModelName, number> {
  const volume = new Map<ModelName, number>()
  for (const { model, served } of totals) volume.set(model, (volume.get(model) ?? 0) + served)
  return volume
}

function byModelThenNewest(a: VersionTotals, b: VersionTotals): number {
  if (a.model !== b.model) return a.model < b.model ? -1 : 1
  return compareVersions(b.version, a.version)
}
