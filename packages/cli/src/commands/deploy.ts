import { resolve } from 'node:path'
import type { Command } from 'commander'
import { deploy, type Deployed } from '../deploy/deploy.js'
import { openTarget } from '../deploy/open-target.js'
import { CliError } from '../errors.js'
import { interruptible } from './interrupt.js'
import { addExample, addJsonOption, addRepositoryOption, type RepositoryOptions } from './options.js'
import { print } from './print.js'
import { withProgress } from './progress.js'

interface DeployCommandOptions extends RepositoryOptions {
  readonly endpoint?: string
  readonly dryRun?: true
  readonly cors?: true
}

export function addDeploy(program: Command): void {
  const command = program
    .command('deploy')
    .description('copy a repository to where browsers fetch it from: a folder, or an S3-compatible store')
    .argument('<target>', 'a folder, or s3://bucket/prefix')
    .option('--endpoint <url>', 'of an S3-compatible store (default: AWS_ENDPOINT_URL, else Amazon)')
    .option('--dry-run', 'compare, and write nothing')
    .option('--cors', 'let pages of every origin read the bucket; replaces its CORS rules')
  addRepositoryOption(command)
  addJsonOption(command)
  addExample(
    command,
    'afield deploy /var/www/models --repo models-repo',
    'AWS_REGION=eu-central-1 afield deploy s3://my-models/live --repo models-repo',
    'AWS_REGION=auto afield deploy s3://my-models --endpoint https://ACCOUNT.r2.cloudflarestorage.com --cors',
  )
  command.addHelpText(
    'after',
    '\nCredentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, the region from AWS_REGION.\n' +
      'They must be allowed to list the bucket and to read and write objects below the prefix.',
  )
  command.action(async (address: string, options: DeployCommandOptions) => {
    const target = openTarget(address, options)
    if (target.kind === 'folder' && resolve(address) === resolve(options.repo)) {
      throw new CliError('deploy/target', 'The target is the repository itself. Name another folder.')
    }
    if (options.cors && target.kind !== 's3') {
      throw new CliError('usage', "--cors is for buckets; a folder's web server has its own setting.")
    }
    const deployed = await interruptible(
      'What was deployed before is still valid; run the command again to go on.',
      (signal) =>
        withProgress(options, async (bar) => {
          if (options.cors && target.kind === 's3' && !options.dryRun) await target.allowEveryOrigin(signal)
          const onProgress = (done: number, total: number): void => bar.update(done, total, 'Uploading')
          return deploy({ repo: options.repo, target, dryRun: options.dryRun, onProgress, signal })
        }),
    )
    print(options, deployed, report(deployed, target.kind, options.cors ?? false))
  })
}

function report(
  { target, repositoryVersion, files, bytes, skipped, first, dryRun }: Deployed,
  kind: 'folder' | 's3',
  cors: boolean,
): readonly string[] {
  const size = `${files.toLocaleString('en')} files, ${bytes.toLocaleString('en')} bytes`
  const lines = dryRun
    ? [`Would deploy version ${repositoryVersion} to ${target}: ${size}; ${skipped} files are there.`]
    : [`Deployed version ${repositoryVersion} to ${target}: ${size}; ${skipped} files were there.`]
  if (!first || dryRun || cors) return lines
  return kind === 's3'
    ? [...lines, 'Pages of other origins may read it once the bucket allows GET from them; --cors sets that.']
    : [
        ...lines,
        'Let its web server send Access-Control-Allow-Origin, and Cache-Control: no-cache for timestamp.json.',
      ]
}
