import type { Command } from 'commander'
import { fetchVersion, type Fetched } from '../fetch/fetch-version.js'
import { openSource } from '../fetch/source.js'
import { readInput } from '../publish/read-input.js'
import { interruptible } from './interrupt.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { print, warn } from './print.js'
import { withProgress } from './progress.js'
import { parseReference } from './reference.js'

interface FetchCommandOptions extends RepositoryOptions {
  readonly out: string
  readonly from?: string
  readonly root?: string
  readonly allowExpired?: true
}

export function addFetch(program: Command): void {
  const command = program
    .command('fetch')
    .description('download a version, verified as a device does: model, descriptor, golden vectors')
    .argument('<model@version>', 'such as learner-risk@1.4.0; without a version, the newest release')
    .requiredOption('--out <dir>', 'a new or an empty folder')
    .option('--from <address>', 'a URL or a folder (default: the repository of --repo)')
    .option(
      '--root <file>',
      "the root to trust, such as the app's (default: the repository's own first root)",
    )
    .option('--allow-expired', 'take what nobody has refreshed for long, such as a copy from an archive')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield fetch learner-risk@1.4.0 --out fetched --repo models-repo',
    'afield fetch learner-risk@1.4.0 --out fetched --from https://models.example/live --root root.json',
  )
  command.action(async (spec: string, options: FetchCommandOptions) => {
    const { model, version } = parseSpec(spec)
    const source = openSource(options.from ?? options.repo)
    const root = options.root === undefined ? undefined : await readInput(options.root, 'root')
    const fetched = await interruptible('Nothing was written.', (signal) =>
      withProgress(options, (bar) =>
        fetchVersion({
          source,
          model,
          version,
          root,
          out: options.out,
          expired: options.allowExpired ? 'allowed' : 'refused',
          onProgress: (done, total) => bar.update(done, total, 'Fetching'),
          signal,
        }),
      ),
    )
    if (fetched.revoked) warn(`${fetched.name}@${fetched.version} is revoked: no device runs it any more.`)
    if (fetched.root.trust === 'first-use') {
      warn(`no --root was given, so the repository's own was trusted (SHA-256 ${fetched.root.sha256}).`)
    }
    print(options, fetched, report(fetched))
  })
}

function report({ name, version, out, files, bytes }: Fetched): readonly string[] {
  return [
    `Fetched ${name}@${version} into ${out}: ${bytes.toLocaleString('en')} bytes, every one verified.`,
    ...files.map((file) => `  ${file}`),
  ]
}

/** `latest` is the newest release too. */
function parseSpec(spec: string): { readonly model: string; readonly version: string | undefined } {
  const { model, version } = parseReference(spec)
  return { model, version: version === 'latest' ? undefined : version }
}
