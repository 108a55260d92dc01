/** The documentation as static files. */
export { buildSite, type BuiltSite } from './site.js'
export { errorPath } from './errors/pages.js'
