import { Option, type Command } from 'commander'
import { openApi } from '../api/openapi.js'
import { apiDocument } from '../api/prose.js'
import { renderHtml } from '../document/html.js'
import { renderMarkdown } from '../document/markdown.js'
import { showVersion, type Shown } from '../repository/inspect/catalogue.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { printDocument, type DocumentOptions } from './print-document.js'

type Format = 'openapi' | 'md' | 'html'

interface DocsOptions extends RepositoryOptions, DocumentOptions {
  readonly format: Format
}

export function addDocs(program: Command): void {
  const command = program
    .command('docs')
    .description("a model's API from its contract: for people, or as OpenAPI 3.1")
    .argument('<model[@version]>', 'the newest release where no version is named')
    .addOption(
      new Option('--format <format>', 'OpenAPI as JSON, Markdown, or one HTML page')
        .choices(['openapi', 'md', 'html'])
        .default('md'),
    )
    .option('--out <file>', 'a file to write instead of the terminal')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield docs learner-risk --repo models-repo',
    'afield docs learner-risk --format openapi --out learner-risk.openapi.json --repo models-repo',
  )
  command.action(async (reference: string, options: DocsOptions) => {
    const shown = await showVersion(options, reference)
    await printDocument(options, shown, options.format, render(shown, options.format))
  })
}

function render(shown: Shown, format: Format): string {
  switch (format) {
    case 'openapi':
      return `${JSON.stringify(openApi(shown), null, 2)}\n`
    case 'md':
      return renderMarkdown(apiDocument(shown))
    case 'html':
      return renderHtml(apiDocument(shown))
  }
}
