import { plainLine, plainText } from '../plain-text.js'
import { inlines, type Block, type Document, type Line } from './document.js'

/** Markdown in GitHub's flavour. What was published stands in it as text: none of it is markup. */
export function renderMarkdown({ title, subtitle, blocks }: Document): string {
  return `${[`# ${escape(title)}`, escape(subtitle), ...blocks.map(renderBlock)].join('\n\n')}\n`
}

function renderBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `## ${escape(block.text)}`
    case 'paragraph':
      return renderLine(block.line)
    case 'warning':
      return `> **Note.** ${renderLine(block.line)}`
    case 'list':
      return block.items.map((item) => `- ${renderLine(item)}`).join('\n')
    case 'table':
      return [
        row(block.head),
        row(block.head.map(() => '---')),
        ...block.rows.map((cells) => row(cells.map(cell))),
      ].join('\n')
    case 'code':
      return fenced(block.language, plainText(block.text))
  }
}

function renderLine(line: Line, span = codeSpan): string {
  return inlines(line)
    .map((inline) => (typeof inline === 'string' ? escape(inline) : span(inline.code)))
    .join('')
}

/** In a table, a bar would end the cell even inside code. */
function cell(line: Line): string {
  return renderLine(line, (text) => codeSpan(text).replaceAll('|', '\\|'))
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Keeps text from being markup, wherever it stands. */
function escape(text: string): string {
  return plainLine(text)
    .replace(/[\\`*_[\]<>#|~&$]/g, '\\$&')
    .replace(/^(\s*)([-+=])/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2')
}

function codeSpan(text: string): string {
  const line = plainLine(text)
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${fence}${space}${line}${space}${fence}`
}

function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}
