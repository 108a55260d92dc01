import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const INCLUDE = /<!-- include (\S+?)((?: \w+="[^"]*")*) -->/g
const VALUE = /(\w+)="([^"]*)"/g

/**
 * Puts a fragment where a page says `<!-- include ../page/about.html verb="draw" -->`, its `{{verb}}` filled in: what all
 * example pages have is written once.
 */
export function include(): Plugin {
  return {
    name: 'include',
    transformIndexHtml: {
      order: 'pre',
      handler: (html, { filename }) =>
        html.replace(INCLUDE, (_, path: string, values: string) => {
          const given = new Map([...values.matchAll(VALUE)].map(([, name = '', value = '']) => [name, value]))
          const fragment = readFileSync(join(dirname(filename), path), 'utf8')
          return fragment.replace(/{{(\w+)}}/g, (_, name: string) => {
            const value = given.get(name)
            if (value === undefined) throw new Error(`${path} needs ${name}="…" in ${filename}.`)
            return value
          })
        }),
    },
  }
}
