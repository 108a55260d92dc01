import { isDeclarationFile } from '@afield/protocol'
import type { Command } from 'commander'
import { namingDiskErrors } from '../disk.js'
import { CliError } from '../errors.js'
import { readText, writeOutput, type Written } from '../output-file.js'
import { types, type Types } from '../types/types.js'
import { Exit } from './exit.js'
import { interruptible } from './interrupt.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { print, warn } from './print.js'

interface TypesCommandOptions extends RepositoryOptions {
  readonly url?: string
  readonly root?: string
  readonly out: string
  readonly check?: true
}

export function addTypes(program: Command): void {
  const command = program
    .command('types')
    .description("teach TypeScript the models: names, fields and outputs, for the SDK's load() and predict()")
    .argument('[models...]', 'all models of the repository where none is named')
    .option('--out <file>', 'where the declarations go', 'src/afield-models.d.ts')
    .option('--url <url>', 'a deployed repository, instead of the folder of --repo; needs --root and names')
    .option('--root <file>', 'the root that the app ships')
    .option('--check', 'write nothing; exit code 1 when the file is not what it would become')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield types --repo models-repo',
    'afield types --repo models-repo --check',
    'afield types learner-risk --url https://models.example/live --root src/1.root.json',
  )
  command.action(async (models: readonly string[], options: TypesCommandOptions) => {
    const { repo, url, root, out } = options
    const found = await interruptible('Nothing was written.', (signal) =>
      types({ repo, url, root, models, signal }),
    )
    const before = await namingDiskErrors(() => readText(out))
    if (before !== undefined && !isDeclarationFile(before)) {
      throw new CliError(
        'out/not-empty',
        `${out} was not written by afield types, and is left alone. Name another file with --out.`,
      )
    }
    for (const name of found.skipped) warn(`${name} has no version that may run, and is left out.`)
    const { models: declared, skipped } = found
    if (options.check) {
      const current = before === found.text
      print(options, { out, status: current ? 'current' : 'outdated', models: declared, skipped }, [
        current ? `${out} is up to date.` : `${out} is out of date. Run afield types again and commit it.`,
      ])
      if (!current) throw new Exit(1)
      return
    }
    const status = await writeOutput(out, found.text)
    print(options, { out, status, models: declared, skipped }, report(found, out, status))
  })
}

function report({ models }: Types, out: string, status: Written): readonly string[] {
  return [
    `${status === 'written' ? 'Wrote' : 'Nothing to change in'} ${out}:`,
    ...models.map(({ name, versions }) => `  ${name}: as ${versions.join(' and ')}`),
  ]
}
