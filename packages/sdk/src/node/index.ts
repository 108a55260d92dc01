export * from './device.js'
export type { Keeper } from '../keeper/keeper.js'
export { LIMITS } from '../keeper/manifest/limits.js'
export type { Clock, KeyValueStore } from '../keeper/ports.js'
