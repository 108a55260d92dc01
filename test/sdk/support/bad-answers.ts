import type { ErrorCode } from 'afield'
import type { Fault } from '../../servers/faults.js'

/** Everything a device fetches of a repository, by the path pattern under which it is served. */
const FILES = {
  timestamp: '/repository/metadata/timestamp.json',
  snapshot: '/repository/metadata/*.snapshot.json',
  targets: '/repository/metadata/*.targets.json',
  'rollouts role': '/repository/metadata/*.rollouts.json',
  index: '/repository/targets/models/*',
  rollout: '/repository/targets/rollouts/*',
  descriptor: '/repository/descriptors/*',
  chunk: '/repository/chunks/**',
} as const

type File = keyof typeof FILES

/** Ways in which an answer can be bad. */
const FAULTS = {
  truncated: { kind: 'truncate' },
  'bit-flipped': { kind: 'corrupt' },
  oversized: { kind: 'oversize', bytes: 32 * 1024 },
  'a web page': { kind: 'html' },
  absent: { kind: 'status', status: 404 },
  'a server error': { kind: 'status', status: 500 },
  'cut off': { kind: 'cut' },
} as const satisfies Readonly<Record<string, Fault>>

type FaultName = keyof typeof FAULTS

/** The code that an app gets. Above timestamps, hashes tell whatever is not what was signed. */
function codeFor(file: File, fault: FaultName): ErrorCode {
  const bytes = file === 'chunk' || file === 'descriptor'
  switch (fault) {
    case 'absent':
    case 'a server error':
    case 'cut off':
      return bytes ? 'chunk/unavailable' : 'manifest/unavailable'
    case 'oversized':
      if (bytes) return 'chunk/size-mismatch'
      // Nothing is read past its promised length, and no timestamp past 16 KiB.
      return 'manifest/too-large'
    case 'truncated':
    case 'a web page':
      if (bytes) return 'chunk/size-mismatch'
      return file === 'timestamp' ? 'manifest/invalid' : 'manifest/hash-mismatch'
    case 'bit-flipped':
      if (bytes) return 'chunk/hash-mismatch'
      return file === 'timestamp' ? 'manifest/invalid' : 'manifest/hash-mismatch'
  }
}

/** What the message of each code advises. */
const ADVICE: { readonly [code in ErrorCode]?: RegExp } = {
  'chunk/hash-mismatch': /tried again at the next check/,
  'chunk/size-mismatch': /(fetched|tried) again at the next check/,
  'chunk/unavailable': /tried again at the next check|Check the repository's URL/,
  'manifest/hash-mismatch': /tried again at the next check/,
  'manifest/invalid': /cut or changed on the way/,
  'manifest/too-large': /tried again at the next check/,
  'manifest/unavailable': /tried again at the next check|Check the repository's URL/,
}

export interface BadAnswer {
  readonly file: File
  readonly name: FaultName
  readonly pattern: string
  readonly fault: Fault
  readonly code: ErrorCode
  readonly advice: RegExp
}

/** Each file in each bad way, and how a device must take it. */
export const BAD_ANSWERS: readonly BadAnswer[] = (Object.keys(FILES) as File[]).flatMap((file) =>
  (Object.keys(FAULTS) as FaultName[]).map((name) => {
    const code = codeFor(file, name)
    return { file, name, pattern: FILES[file], fault: FAULTS[name], code, advice: ADVICE[code] ?? /^$/ }
  }),
)
