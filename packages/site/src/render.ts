import { Marked } from 'marked'
import type { Page } from './page.js'

const marked = new Marked({
  gfm: true,
  renderer: {
    heading({ tokens, depth }) {
      const text = this.parser.parseInline(tokens)
      return `<h${depth} id="${slug(text)}">${text}</h${depth}>\n`
    },
    link({ href, title, tokens }) {
      const to = /^[a-z]+:/.test(href) ? href : href.replace(/\.md(?=#|$)/, '.html')
      const about = title ? ` title="${escapeHtml(title)}"` : ''
      return `<a href="${escapeHtml(to)}"${about}>${this.parser.parseInline(tokens)}</a>`
    },
    table(token) {
      const cell = (tag: string, tokens: (typeof token.header)[number]['tokens']): string =>
        `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`
      const head = token.header.map(({ tokens }) => cell('th', tokens)).join('')
      const rows = token.rows.map((row) => `<tr>${row.map(({ tokens }) => cell('td', tokens)).join('')}</tr>`)
      return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>\n`
    },
  },
})

/** A page as HTML: no script, links that work in any folder. */
export function renderPage({ path, title, section, markdown }: Page): string {
  const root = '../'.repeat(path.split('/').length - 1)
  const here = (prefix: string): string => (path.startsWith(prefix) ? ' aria-current="true"' : '')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title === 'Afield' ? 'Afield' : `${title} · Afield`)}</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='%230f766e'/%3E%3C/svg%3E">
<link rel="stylesheet" href="${root}style.css">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<nav aria-label="Documentation">
<a class="home" href="${root}index.html">Afield</a>
<a href="${root}guides/index.html"${here('guides/')}>Guides</a>
<a href="${root}errors/index.html"${here('errors/')}>Errors</a>
</nav>
<main id="content">
<p class="section">${escapeHtml(section)}</p>
${marked.parse(markdown, { async: false })}
</main>
</body>
</html>
`
}

/** A heading's anchor: its words. */
function slug(html: string): string {
  return html
    .replace(/<[^>]*>|&[a-z#0-9]+;/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-|-$/g, '')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
