import { Option, type Command } from 'commander'
import { modelCard } from '../card/card.js'
import { renderHtml } from '../document/html.js'
import { renderMarkdown } from '../document/markdown.js'
import { showVersion } from '../repository/inspect/catalogue.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { printDocument, type DocumentOptions } from './print-document.js'

interface CardOptions extends RepositoryOptions, DocumentOptions {
  readonly format: 'md' | 'html'
}

export function addCard(program: Command): void {
  const command = program
    .command('card')
    .description('the model card of a version, from what was published')
    .argument('<model[@version]>', 'the newest release where no version is named')
    .addOption(
      new Option('--format <format>', 'Markdown or one HTML page').choices(['md', 'html']).default('md'),
    )
    .option('--out <file>', 'a file to write instead of the terminal')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield card learner-risk --repo models-repo',
    'afield card learner-risk@1.0.0 --format html --out learner-risk.html --repo models-repo',
  )
  command.action(async (reference: string, options: CardOptions) => {
    const shown = await showVersion(options, reference)
    const document = modelCard(shown)
    const text = options.format === 'html' ? renderHtml(document) : renderMarkdown(document)
    await printDocument(options, shown, options.format, text)
  })
}
