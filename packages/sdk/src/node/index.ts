export * from './device.js'
