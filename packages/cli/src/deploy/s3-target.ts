import { createHash } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import { CliError } from '../errors.js'
import { headersFor } from './headers.js'
import { Transient, withRetries, type RetryOptions } from '../transfer/retry.js'
import type { DeployTarget } from './target.js'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface S3Options {
  readonly bucket: string
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
  /** Such as `https://s3.eu-central-1.amazonaws.com` or `https://ACCOUNT.r2.cloudflarestorage.com`. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: S3Credentials
  readonly retry?: RetryOptions | undefined
}

export interface S3Target extends DeployTarget {
  /** Lets pages of every origin read the bucket. */
  allowEveryOrigin(signal?: AbortSignal): Promise<void>
}

/** What a bucket needs so that pages of other origins may read it: plain GET, no header of their own. */
const CORS_XML =
  '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>' +
  '<AllowedMethod>HEAD</AllowedMethod><MaxAgeSeconds>86400</MaxAgeSeconds></CORSRule></CORSConfiguration>'

interface Answer {
  readonly status: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/**
 * A bucket of S3 or of a store that speaks its protocol, addressed by path. Exclusive creation is `If-None-Match: *`;
 * a store that passes over that header is asked first whether the file is there, which leaves a short moment in
 * which two operators do not see each other.
 */
export function s3Target(options: S3Options): S3Target {
  const { bucket, prefix, endpoint, region, credentials } = options
  const client = new AwsClient({ ...clean(credentials), service: 's3', region, retries: 0 })
  const name = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  const root = `${endpoint.replace(/\/+$/, '')}/${bucket}`
  const keyOf = (path: string): string => (prefix === '' ? path : `${prefix}/${path}`)
  const urlOf = (path: string): string =>
    `${root}/${keyOf(path).split('/').map(encodeURIComponent).join('/')}`

  const ask = (url: string, init: RequestInit, accepted: readonly number[], signal?: AbortSignal) =>
    withRetries(
      async () => {
        const answer = await send(client, url, { ...init, signal: signal ?? null }, name)
        if (accepted.includes(answer.status)) return answer
        throw refusal(name, answer)
      },
      { ...options.retry, signal },
    ).catch((error: unknown) => {
      throw error instanceof Transient ? unavailable(name, error) : error
    })

  const put = (path: string, bytes: Uint8Array<ArrayBuffer>, extra: Record<string, string>) => {
    const { cacheControl, contentType } = headersFor(path)
    const headers = { 'cache-control': cacheControl, 'content-type': contentType, ...extra }
    return { method: 'PUT', body: bytes, headers }
  }
  const read = async (path: string, signal?: AbortSignal) => {
    const answer = await ask(urlOf(path), { method: 'GET' }, [200, 404], signal)
    if (answer.status === 404 && errorCode(answer) === 'NoSuchBucket') throw refusal(name, answer)
    return answer.status === 200 ? answer.bytes : undefined
  }

  return {
    name,
    read,
    list: (signal) =>
      listAll(async (query) => {
        const answer = await ask(`${root}?${query.toString()}`, { method: 'GET' }, [200], signal)
        return new TextDecoder().decode(answer.bytes)
      }, prefix),
    write: async (path, bytes, signal) => {
      await ask(urlOf(path), put(path, bytes, {}), [200, 201, 204], signal)
    },
    create: async (path, bytes, signal) => {
      if (await read(path, signal)) return 'exists'
      const exclusive = put(path, bytes, { 'if-none-match': '*' })
      const { status } = await ask(urlOf(path), exclusive, [200, 201, 204, 412], signal)
      return status === 412 ? 'exists' : 'created'
    },
    allowEveryOrigin: async (signal) => {
      const digest = createHash('md5').update(CORS_XML).digest('base64')
      const headers = { 'content-type': 'application/xml', 'content-md5': digest }
      await ask(`${root}?cors`, { method: 'PUT', body: CORS_XML, headers }, [200, 204], signal)
    },
  }
}

async function send(client: AwsClient, url: string, init: RequestInit, name: string): Promise<Answer> {
  try {
    const response = await client.fetch(url, init)
    const bytes = new Uint8Array(await response.arrayBuffer())
    const answer = { status: response.status, bytes }
    // 409 is S3's answer to two exclusive writes at once: one of them must ask again.
    const passing = response.status >= 500 || [408, 409, 429].includes(response.status)
    // 501 will not pass: the store does not know what was asked.
    if (passing && response.status !== 501)
      throw new Transient(`HTTP ${response.status} ${errorCode(answer)}`)
    return answer
  } catch (error) {
    if (init.signal?.aborted || error instanceof Transient) throw error
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Transient(`${name} cannot be reached: ${reason}`, { cause })
  }
}

/** Reads ListObjectsV2 page by page. Keys of a repository are plain, so no name in the XML needs unescaping. */
async function listAll(
  page: (query: URLSearchParams) => Promise<string>,
  prefix: string,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  const folder = prefix === '' ? '' : `${prefix}/`
  for (let token: string | undefined; ;) {
    const query = new URLSearchParams({ 'list-type': '2', prefix: folder })
    if (token !== undefined) query.set('continuation-token', token)
    const xml = await page(query)
    for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = element(entry, 'Key')
      const size = element(entry, 'Size')
      if (key?.startsWith(folder)) found.set(key.slice(folder.length), Number(size))
    }
    token = element(xml, 'NextContinuationToken')
    if (element(xml, 'IsTruncated') !== 'true' || token === undefined) return found
  }
}

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
}

function errorCode({ bytes }: Answer): string {
  return element(new TextDecoder().decode(bytes.subarray(0, 10_000)), 'Code') ?? ''
}

function refusal(name: string, answer: Answer): CliError {
  const said = `HTTP ${answer.status} ${errorCode(answer)}`.trim()
  if (answer.status === 401 || answer.status === 403) {
    return new CliError(
      'deploy/credentials',
      `${name} refused the credentials (${said}). Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and ` +
        'AWS_REGION, and that they may list the bucket, read and write objects below the prefix.',
    )
  }
  if (answer.status === 404) {
    return new CliError(
      'deploy/target',
      `${name} is not there (${said}). Make the bucket first; check --endpoint.`,
    )
  }
  if (answer.status === 501) {
    return new CliError(
      'deploy/refused',
      `${name} does not know what it was asked (${said}). A store must know If-None-Match on PUT; --cors must know PUT ?cors.`,
    )
  }
  return new CliError('deploy/refused', `${name} refused (${said}).`)
}

function unavailable(name: string, cause: Transient): CliError {
  return new CliError(
    'deploy/unavailable',
    `${name} did not take the files (${cause.message}). What was deployed before is still valid; run the command again.`,
    { cause },
  )
}

function clean({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
