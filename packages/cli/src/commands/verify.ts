import type { Command } from 'commander'
import { verify, type Verified } from '../repository/inspect/verify.js'
import { Exit } from './exit.js'
import { addExample, addJsonOption } from './options.js'
import { formatBytes, print } from './print.js'
import { withProgress } from './progress.js'

interface VerifyCommandOptions {
  readonly root: string
  readonly json?: true
}

export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .description('walk a whole repository as devices would, from nothing but a root, and say what is wrong')
    .argument('[dir]', "the repository's folder", process.env['AFIELD_REPO'] ?? './afield-repo')
    .requiredOption('--root <file>', 'the root.json that apps bundle, from somewhere you trust')
  addJsonOption(command)
  addExample(command, 'afield verify models-repo --root app/src/root.json')
  command.action(async (dir: string, options: VerifyCommandOptions) => {
    const verified = await withProgress(
      options,
      (bar) =>
        verify({
          repo: dir,
          root: options.root,
          onProgress: ({ checked, total }) => bar.update(checked, total, 'Verifying'),
        }),
      (checked, total) => `${checked} of ${total} versions`,
    )
    print(options, { ...verified, valid: verified.problems.length === 0 }, report(verified))
    if (verified.problems.length > 0) throw new Exit(1)
  })
}

function report({ problems, ...seen }: Verified): readonly string[] {
  const { models, versions, chunks, bytes } = seen
  const extent = `models: ${models}, versions: ${versions}, chunks: ${chunks} (${formatBytes(bytes)})`
  if (problems.length === 0) {
    return [`Valid: version ${seen.repositoryVersion}, root ${seen.rootVersion}; ${extent}.`]
  }
  return [
    ...problems.flatMap(({ where, code, message }) => [where, `  ${code}: ${message}`]),
    `${problems.length} problem${problems.length === 1 ? '' : 's'}; looked at ${extent}.`,
  ]
}
