import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorPages } from './errors/pages.js'
import { guidePages } from './guides.js'
import type { Page } from './page.js'
import { renderPage } from './render.js'
import { STYLE } from './style.js'

export interface BuiltSite {
  /** Paths of the HTML pages, from the site's root. */
  readonly pages: readonly string[]
}

/**
 * Writes the documentation as static files: an HTML page for each Markdown page, and the Markdown beside it. Links are
 * relative, so any folder of any host will do.
 *
 * @param out the folder to write; an older site there is replaced.
 * @throws Error when something else lies there.
 */
export async function buildSite(out: string): Promise<BuiltSite> {
  const guides = await guidePages()
  const pages = [indexPage(guides), guidesPage(guides), ...guides, ...errorPages()]
  await refuseOther(out)
  await rm(out, { recursive: true, force: true })
  for (const page of pages) {
    const path = join(out, page.path)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, page.markdown)
    await writeFile(join(out, htmlPath(page.path)), renderPage(page))
  }
  await writeFile(join(out, 'style.css'), STYLE)
  return { pages: pages.map(({ path }) => htmlPath(path)) }
}

async function refuseOther(out: string): Promise<void> {
  const there = await readdir(out).catch((error: NodeJS.ErrnoException): readonly string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (there.length === 0 || (there.includes('errors') && there.includes('style.css'))) return
  throw new Error(`${out} holds something else than this site, and would be deleted. Name another folder.`)
}

function htmlPath(path: string): string {
  return path.replace(/\.md$/, '.html')
}

function indexPage(guides: readonly Page[]): Page {
  const markdown = `# Afield

Deployment for models that run in the browser: publish a version, send it to a few devices, watch it, widen it or take
it back. Static files and one collector are the only infrastructure.

## Try a model

\`\`\`sh
npx @afield/cli dev model.onnx rows.csv
\`\`\`

A page on this machine asks the model, in a worker as an app would. It needs no keys, no contract and no checklist; the
CSV, which names the columns, may be left out.

## Guides

${links(guides, '')}

## When something goes wrong

Every error has a code, and every code has a page: [all errors](errors/index.md).

## What a model tells about itself

- Its model card: \`npx @afield/cli card learner-risk --repo models-repo\`
- Its API, for people: \`npx @afield/cli docs learner-risk --repo models-repo\`
- Its API, for programs: \`npx @afield/cli docs learner-risk --repo models-repo --format openapi\`
- Its fields and outputs, for TypeScript: \`npx @afield/cli types --repo models-repo\`
`
  return { path: 'index.md', title: 'Afield', section: 'Documentation', markdown }
}

function guidesPage(guides: readonly Page[]): Page {
  return {
    path: 'guides/index.md',
    title: 'Guides',
    section: 'Guides',
    markdown: `# Guides

The tests run each command of a guide as it stands there; those for Python, on machines that have what they import.

${links(guides, '../')}
`,
  }
}

function links(pages: readonly Page[], toRoot: string): string {
  return pages.map(({ title, path }) => `- [${title}](${toRoot}${path})`).join('\n')
}
