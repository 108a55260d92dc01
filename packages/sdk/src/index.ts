export type * from './api.js'
export type { ListedVersion } from './keeper/catalogue.js'
export type { CheckReport } from './keeper/following.js'
export type { DownloadRequest, KeeperEvent, LogLevel, Logger, Served } from './keeper/ports.js'
export type { Step } from './keeper/steps.js'
export type { TelemetryReport } from './keeper/telemetry/port.js'
export type * from './models.js'
export type { BenchmarkOptions, BenchmarkReport } from './router/benchmark.js'
export type { FallbackOptions, RemoteOptions } from './router/fallback/options.js'
export type { Health, HealthOptions } from './router/health.js'
export type {
  DriftReport,
  FieldDrift,
  ObjectiveReport,
  SloEvent,
  Stats,
  Tally,
} from './router/monitor/reports.js'
export type { Explanation } from './words/explain.js'
export type { StorageReport } from './words/storage.js'
export { createAfield } from './router/create-afield.js'
export {
  AfieldError,
  ERROR_CODES,
  type Backend,
  type ErrorCode,
  type ModelState,
  type Outputs,
  type OutputValue,
  type RecordValue,
  type ScoredLabel,
  type TensorValue,
} from '@afield/protocol'
