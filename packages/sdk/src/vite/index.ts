export { afield, type AfieldPluginOptions } from './plugin.js'
