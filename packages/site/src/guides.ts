import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from './page.js'

const GUIDES = fileURLToPath(new URL('../guides/', import.meta.url))

/** Every guide, in the order of its file's name. */
export async function guidePages(): Promise<readonly Page[]> {
  const files = (await readdir(GUIDES)).filter((file) => file.endsWith('.md')).sort()
  return Promise.all(
    files.map(async (file): Promise<Page> => {
      const markdown = await readFile(`${GUIDES}${file}`, 'utf8')
      const title = /^# (.+)$/m.exec(markdown)?.[1]
      if (title === undefined) throw new Error(`The guide ${file} has no title: begin it with "# ".`)
      return { path: `guides/${file}`, title, section: 'Guides', markdown }
    }),
  )
}
