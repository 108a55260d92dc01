import { plainText } from '../plain-text.js'
import { inlines, type Block, type Document, type Line } from './document.js'
import { STYLE } from './style.js'

/** One page without scripts or anything from elsewhere. What was published stands in it as text. */
export function renderHtml({ title, subtitle, blocks }: Document): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(subtitle)}</p>
</header>
${blocks.map(renderBlock).join('\n')}
</main>
</body>
</html>
`
}

/** Text as it stands in HTML, also inside a quoted attribute. */
function escapeHtml(text: string): string {
  return plainText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`
    case 'paragraph':
      return `<p>${renderLine(block.line)}</p>`
    case 'warning':
      return `<p class="warning" role="note">${renderLine(block.line)}</p>`
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${renderLine(item)}</li>`).join('')}</ul>`
    case 'table':
      return renderTable(block)
    case 'code':
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`
  }
}

function renderTable({ head, rows }: Extract<Block, { kind: 'table' }>): string {
  const named = head.some((name) => name !== '')
  const top = named
    ? `<thead><tr>${head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('')}</tr></thead>`
    : ''
  const body = rows.map(([first = '', ...others]) => {
    const cells = others.map((line) => `<td>${renderLine(line)}</td>`).join('')
    return `<tr><th scope="row">${renderLine(first)}</th>${cells}</tr>`
  })
  return `<div class="table"><table>${top}<tbody>${body.join('')}</tbody></table></div>`
}

function renderLine(line: Line): string {
  return inlines(line)
    .map((inline) =>
      typeof inline === 'string' ? escapeHtml(inline) : `<code>${escapeHtml(inline.code)}</code>`,
    )
    .join('')
}
