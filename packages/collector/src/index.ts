export { DEFAULT_CELL_FLOOR, startCollector, type Collector, type CollectorOptions } from './collector.js'
export type { ApiErrorCode } from './http-error.js'
export { DEFAULT_RATE_LIMIT, type RateLimit } from './ingest/rate-limit.js'
export type { Receipt } from './ingest/write-queue.js'
export type {
  LatencySummary,
  PublishedVersion,
  VersionReport,
  VersionsReport,
  WithheldVersion,
} from './query/versions.js'
