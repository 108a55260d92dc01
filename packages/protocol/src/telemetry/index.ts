export * from './batch.js'
export * as histogram from './histogram.js'
export type { Histogram, MutableHistogram } from './histogram.js'
export * from './ops.js'
