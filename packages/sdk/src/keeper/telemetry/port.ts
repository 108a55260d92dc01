import type { Cell, Day, ErrorCode, FunnelStep, Ops, Version } from '@afield/protocol'
import type { Ports, Served } from '../ports.js'

/** What is counted of one cell on one day. */
export interface OpenCell {
  readonly cell: Cell
  readonly day: Day
  readonly ops: Ops
}

/** Counts from one page, told at least once: `life` and `sequence` make telling it twice harmless. */
export interface Observation {
  readonly life: string
  /** 1, 2, 3 … within a life. */
  readonly sequence: number
  readonly cells: readonly OpenCell[]
}

export interface TelemetryOptions {
  /** Where batches are posted, such as `https://telemetry.example.com/v1/batches`. */
  readonly endpoint: string
  readonly key: string
  readonly sealEveryMs: number
  /** Windows with fewer answers send no counts and no latencies. */
  readonly floor: number
  readonly sdk: Version
}

/** What the device holds and has sent, for the app to show. */
export interface TelemetryReport {
  readonly state: 'on' | 'off'
  /** Counted and not sealed yet. */
  readonly open: readonly OpenCell[]
  /** The very bytes that wait to be sent, oldest first. */
  readonly pending: readonly string[]
  readonly sent: number
  /** The very bytes that were sent last. */
  readonly lastSent: string | undefined
  readonly drops: Readonly<Record<string, number>>
}

/** What the code that is loaded where telemetry is on does for the keeper. */
export interface Telemetry {
  /** Takes {@link Observation}s; what is none is dropped with a warning. When this resolves they are durable. */
  observe(observations: readonly unknown[]): Promise<void>
  /** Takes a step that a version got to on this device. */
  count(served: Served, step: FunnelStep, error?: ErrorCode): Promise<void>
  /** Sends what earlier visits left, and from then on batches as they become due. */
  start(): void
  /** Seals and sends what there is, without waiting for the next round. */
  flush(): Promise<void>
  report(): Promise<TelemetryReport>
  close(): void
}

/** What telemetry needs of the keeper's world. */
export type TelemetryPorts = Pick<
  Ports,
  'clock' | 'fetch' | 'locks' | 'log' | 'platform' | 'random' | 'state'
>

/** @param life of the page whose keeper counts. */
export type OpenTelemetry = (ports: TelemetryPorts, options: TelemetryOptions, life: string) => Telemetry
