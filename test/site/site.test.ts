import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { CLI_ERROR_CODES } from '@afield/cli'
import { ERROR_CODES } from '@afield/protocol'
import { buildSite, errorPath, type BuiltSite } from '@afield/site'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let out: string
let site: BuiltSite

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'afield-site-'))
  site = await buildSite(out)
})

afterAll(() => rm(out, { recursive: true }))

test('every error code of the SDK and of the command line has a page that says why and what to do', async () => {
  const codes = [...ERROR_CODES, ...CLI_ERROR_CODES]
  expect(new Set(codes).size).toBe(codes.length)
  for (const code of codes) {
    const html = await read(errorPath(code).replace('.md', '.html'))
    expect(html).toContain(`>${code}</h1>`)
    expect(sections(html)).toEqual(['Why', 'What to do'])
    expect(html).toMatch(/What to do<\/h2>\s*<ul>\s*<li>./)
  }
})

test('every page of the list of errors leads somewhere, and the start page to guides and errors', async () => {
  const listed = hrefs(await read('errors/index.html'))
  for (const code of [...ERROR_CODES, ...CLI_ERROR_CODES]) expect(listed).toContain(`${code}.html`)
  expect(hrefs(await read('index.html'))).toEqual(
    expect.arrayContaining([
      'guides/from-scikit-learn.html',
      'guides/from-pytorch.html',
      'errors/index.html',
    ]),
  )
})

test('every link leads to a page, and to a place on it', async () => {
  let links = 0
  for (const page of site.pages) {
    for (const href of hrefs(await read(page))) {
      links++
      const [path = '', anchor = ''] = href.split('#')
      const target = path === '' ? page : relative(out, join(out, dirname(page), path))
      const text = await read(target)
      expect({ page, href, found: anchor === '' || text.includes(` id="${anchor}"`) }).toMatchObject({
        found: true,
      })
    }
  }
  expect(links).toBeGreaterThan(site.pages.length * 3)
})

describe('the pages', () => {
  test('are static: no script, nothing from elsewhere, Markdown beside each', async () => {
    const files = await readdir(out, { recursive: true })
    for (const page of site.pages) {
      expect(await read(page)).not.toMatch(/<script|(?:src|href)="?https?:\/\/|url\(|\son\w+=/)
      expect(files).toContain(page.replace('.html', '.md'))
    }
  })

  test('know the dark, phones and paper', async () => {
    const style = await read('style.css')
    expect(style).toContain('prefers-color-scheme: dark')
    expect(style).toContain('@media print')
    expect(await read('index.html')).toContain('width=device-width')
  })

  test('build anew over an older site, whose pages are gone then', async () => {
    await writeFile(join(out, 'errors/gone.html'), 'a code that is no more')
    expect(await buildSite(out)).toEqual(site)
    await expect(read('errors/gone.html')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('never delete a folder that holds something else', async () => {
    const other = await mkdtemp(join(tmpdir(), 'afield-site-other-'))
    await writeFile(join(other, 'thesis.txt'), 'three years')
    await expect(buildSite(other)).rejects.toThrow('holds something else')
    expect(await readFile(join(other, 'thesis.txt'), 'utf8')).toBe('three years')
    await rm(other, { recursive: true })
  })
})

function read(path: string): Promise<string> {
  return readFile(join(out, path), 'utf8')
}

function hrefs(html: string): readonly string[] {
  return [...html.matchAll(/ href="(?!data:)([^"]+)"/g)].map(([, href = '']) => href)
}

function sections(html: string): readonly string[] {
  return [...html.matchAll(/<h2[^>]*>([^<]+)</g)].map(([, title = '']) => title)
}
