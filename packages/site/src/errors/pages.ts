import { CLI_ERROR_CODES } from '@afield/cli'
import { ERROR_CODES } from '@afield/protocol'
import type { Page } from '../page.js'
import { CLI_PAGES } from './cli-pages.js'
import type { ErrorPage } from './error-page.js'
import { SDK_PAGES } from './sdk-pages.js'

/** A page for each code of both unions, and one that lists them. */
export function errorPages(): readonly Page[] {
  return [
    listPage(),
    ...ERROR_CODES.map((code) =>
      errorPage(code, SDK_PAGES[code], 'In the app', 'an `AfieldError` of the SDK'),
    ),
    ...CLI_ERROR_CODES.map((code) =>
      errorPage(
        code,
        CLI_PAGES[code],
        'On the command line',
        'the `afield` command, with exit code 1 unless it says otherwise',
      ),
    ),
  ]
}

/** Where the page of a code lies, such as `errors/chunk/hash-mismatch.md`. */
export function errorPath(code: string): string {
  return `errors/${code}.md`
}

function errorPage(code: string, { happened, why, fix }: ErrorPage, place: string, source: string): Page {
  const markdown = [
    `# ${code}`,
    happened,
    '## Why',
    list(why),
    '## What to do',
    list(fix),
    `From ${source}.`,
  ].join('\n\n')
  return { path: errorPath(code), title: code, section: `Errors · ${place}`, markdown: `${markdown}\n` }
}

function listPage(): Page {
  const markdown = [
    '# Errors',
    'Every error has a code of a closed set, and a message that says what to do. A code never changes its meaning.',
    '## In the app',
    'The SDK throws an `AfieldError`: `error.code`, `error.details`, `error.cause`. What a user typed is never in it.',
    list(ERROR_CODES.map((code) => entry(code, SDK_PAGES[code]))),
    '## On the command line',
    'With `--json`, a refusal is `{"error": {"code", "message"}}`. A command can meet the codes above too.',
    list(CLI_ERROR_CODES.map((code) => entry(code, CLI_PAGES[code]))),
  ].join('\n\n')
  return { path: 'errors/index.md', title: 'Errors', section: 'Errors', markdown: `${markdown}\n` }
}

function entry(code: string, { happened }: ErrorPage): string {
  return `[\`${code}\`](${code}.md): ${happened}`
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}
