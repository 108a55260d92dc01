/** Writes the documentation: `npm run site -w @afield/site`, or `node dist/main.js FOLDER`. */
import process from 'node:process'
import { buildSite } from './site.js'

const out = process.argv[2]
if (out === undefined) {
  console.error('Name the folder to write: node dist/main.js FOLDER')
  process.exitCode = 2
} else {
  const { pages } = await buildSite(out)
  console.log(`Wrote ${pages.length} pages to ${out}. Begin with ${out}/index.html.`)
}
