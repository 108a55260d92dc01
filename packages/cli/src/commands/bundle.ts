import type { Command } from 'commander'
import { bundle, type Bundled } from '../bundle/bundle.js'
import { interruptible } from './interrupt.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { print } from './print.js'
import { withProgress } from './progress.js'

interface BundleCommandOptions extends RepositoryOptions {
  readonly out: string
  readonly version?: string
}

export function addBundle(program: Command): void {
  const command = program
    .command('bundle')
    .description('make a signed seed of one model to ship with an app, so that it answers before any network')
    .argument('<model>', 'its name')
    .requiredOption('--out <dir>', 'a new or empty folder, or an earlier bundle to replace')
    .option('--version <semver>', "default: the rollout's stable version, else the newest release")
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(command, 'afield bundle learner-risk --out app/public/models --repo models-repo')
  command.action(async (model: string, options: BundleCommandOptions) => {
    const { repo, version, out } = options
    const bundled = await interruptible('What was there before is unchanged.', (signal) =>
      withProgress(options, (bar) => {
        const onProgress = (done: number, total: number): void => bar.update(done, total, 'Bundling')
        return bundle({ repo, model, version, out, onProgress, signal })
      }),
    )
    print(options, bundled, report(bundled))
  })
}

function report({ name, version, out, files, bytes, expires }: Bundled): readonly string[] {
  return [
    `Bundled ${name}@${version} into ${out}: ${bytes.toLocaleString('en')} bytes in ${files} files.`,
    `Ship the folder with the app, and name it as createAfield's seed. Its metadata is fresh until ${expires.slice(0, 10)}; ` +
      'bundle again with each build.',
  ]
}
