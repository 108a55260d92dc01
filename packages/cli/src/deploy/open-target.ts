import process from 'node:process'
import { CliError } from '../errors.js'
import { folderTarget } from './folder-target.js'
import type { RetryOptions } from '../transfer/retry.js'
import { s3Target, type S3Target } from './s3-target.js'
import type { DeployTarget } from './target.js'

export type OpenedTarget = ({ readonly kind: 'folder' } & DeployTarget) | ({ readonly kind: 's3' } & S3Target)

/**
 * A target by its address: a folder, or `s3://bucket/prefix` with credentials from AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, the region from AWS_REGION, and the endpoint as given, from
 * AWS_ENDPOINT_URL, or Amazon's.
 *
 * @throws CliError `deploy/target`, `deploy/credentials`.
 */
export function openTarget(
  address: string,
  {
    endpoint,
    retry,
  }: { readonly endpoint?: string | undefined; readonly retry?: RetryOptions | undefined } = {},
): OpenedTarget {
  const other = /^([a-z][a-z0-9+.-]+):\/\//i.exec(address)?.[1]
  if (other === undefined) return { kind: 'folder', ...folderTarget(address) }
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address) ?? []
  const prefix = path.replace(/\/$/, '')
  if (bucket === undefined || !isPrefix(prefix)) {
    throw new CliError(
      'deploy/target',
      `"${address}" is no target. Name a folder, or s3://bucket/prefix for S3 or a store that speaks its protocol.`,
    )
  }
  const region = process.env['AWS_REGION'] || process.env['AWS_DEFAULT_REGION'] || 'us-east-1'
  const amazon = `https://s3.${region}.amazonaws.com`
  return {
    kind: 's3',
    ...s3Target({
      bucket,
      prefix,
      endpoint: endpoint ?? (process.env['AWS_ENDPOINT_URL'] || amazon),
      region,
      credentials: credentials(),
      retry,
    }),
  }
}

/** `.` and `..` would be resolved in the URL, and lead into other folders, or other buckets. */
function isPrefix(prefix: string): boolean {
  if (prefix === '') return true
  return prefix
    .split('/')
    .every((segment) => /^[\w.-]+$/.test(segment) && segment !== '.' && segment !== '..')
}

function credentials() {
  const accessKeyId = process.env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, sessionToken: process.env['AWS_SESSION_TOKEN'] }
  }
  throw new CliError(
    'deploy/credentials',
    'There are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, AWS_REGION).',
  )
}
