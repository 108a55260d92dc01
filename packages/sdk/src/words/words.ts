export { explain } from './explain.js'
export { describeStorage } from './storage.js'
