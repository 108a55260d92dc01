import * as v from 'valibot'
import { Sha256Schema } from '../ids.js'
import { parseJsonWith, parseWith } from '../parse.js'
import { listOf, moment, positive, text, whole, wholeFrom } from '../primitives.js'

/**
 * The metadata files of TUF 1.0 (https://theupdateframework.github.io/specification/v1.0.33/). Unknown fields are
 * kept out of the types but inside the signature, as clause 4.1 asks.
 */

const keyId = text(1, Infinity)

/** The digests that are understood; others are passed over, as far as one of these is there. */
const HashesSchema = v.object({
  sha256: v.optional(Sha256Schema),
  sha512: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/, 'not a SHA-512 in hex'))),
})
export type Hashes = v.InferOutput<typeof HashesSchema>

const common = {
  spec_version: v.pipe(v.string(), v.regex(/^1\.\d+(\.\d+)?$/, 'written for another major version of TUF')),
  version: positive,
  expires: moment,
}

/** Keys of other kinds than TUF knows may look otherwise: they have no `public`, and verify nothing. */
const KeySchema = v.object({
  keytype: v.string(),
  scheme: v.string(),
  keyval: v.object({ public: v.optional(v.string(), '') }),
})
export type Key = v.InferOutput<typeof KeySchema>

const RoleKeysSchema = v.object({ keyids: listOf(keyId, 0, 64), threshold: positive })
export type RoleKeys = v.InferOutput<typeof RoleKeysSchema>

const keys = v.record(keyId, KeySchema)

export const RootSchema = v.object({
  _type: v.literal('root'),
  ...common,
  consistent_snapshot: v.optional(v.boolean(), false),
  keys,
  roles: v.object({
    root: RoleKeysSchema,
    timestamp: RoleKeysSchema,
    snapshot: RoleKeysSchema,
    targets: RoleKeysSchema,
  }),
})
export type Root = v.InferOutput<typeof RootSchema>

const MetaFileSchema = v.object({
  version: positive,
  length: v.optional(whole),
  hashes: v.optional(HashesSchema),
})
export type MetaFile = v.InferOutput<typeof MetaFileSchema>

export const TimestampSchema = v.object({
  _type: v.literal('timestamp'),
  ...common,
  meta: v.object({ 'snapshot.json': MetaFileSchema }),
})
export type Timestamp = v.InferOutput<typeof TimestampSchema>

export const SnapshotSchema = v.object({
  _type: v.literal('snapshot'),
  ...common,
  meta: v.record(v.string(), MetaFileSchema),
})
export type Snapshot = v.InferOutput<typeof SnapshotSchema>

const DelegatedRoleSchema = v.pipe(
  v.object({
    name: v.pipe(text(1, 256), v.regex(/^(?!(root|timestamp|snapshot|targets)$)/, 'the name of a top role')),
    ...RoleKeysSchema.entries,
    terminating: v.boolean(),
    /** Patterns of the paths that the role may speak for. */
    paths: v.optional(v.array(v.string())),
    /** Or the beginnings of their SHA-256 in hex. */
    path_hash_prefixes: v.optional(v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{1,64}$/)))),
  }),
  v.check(
    ({ paths, path_hash_prefixes: prefixes }) => (paths === undefined) !== (prefixes === undefined),
    'either paths or path_hash_prefixes',
  ),
)
export type DelegatedRole = v.InferOutput<typeof DelegatedRoleSchema>

/** 2^bit_length roles of the same keys, each for the paths whose SHA-256 begins with its number (TAP 15). */
const SuccinctRolesSchema = v.object({
  ...RoleKeysSchema.entries,
  bit_length: wholeFrom(1, 32),
  name_prefix: text(1, 200),
})
export type SuccinctRoles = v.InferOutput<typeof SuccinctRolesSchema>

const DelegationsSchema = v.pipe(
  v.object({
    keys,
    roles: v.optional(listOf(DelegatedRoleSchema, 0, 1024)),
    succinct_roles: v.optional(SuccinctRolesSchema),
  }),
  v.check(
    ({ roles, succinct_roles }) => (roles === undefined) !== (succinct_roles === undefined),
    'either roles or succinct_roles',
  ),
)
export type Delegations = v.InferOutput<typeof DelegationsSchema>

const targetsOf = <const H extends v.GenericSchema>(hashes: H) =>
  v.object({
    _type: v.literal('targets'),
    ...common,
    targets: v.record(v.string(), v.object({ length: whole, hashes })),
    delegations: v.optional(DelegationsSchema),
  })

/** Targets as Afield writes them: each with its SHA-256. */
export const TargetsSchema = targetsOf(v.object({ sha256: Sha256Schema }))
export type Targets = v.InferOutput<typeof TargetsSchema>
export type TargetFile = Targets['targets'][string]

/** Targets as any tool may write them. */
export const AnyTargetsSchema = targetsOf(HashesSchema)
export type AnyTargets = v.InferOutput<typeof AnyTargetsSchema>
/** The length of a target and the digests that are known of it. */
export type AnyTargetFile = AnyTargets['targets'][string]

const SignatureSchema = v.object({ keyid: v.string(), sig: v.string() })
export type Signature = v.InferOutput<typeof SignatureSchema>

const EnvelopeSchema = v.object({
  signatures: v.pipe(
    listOf(SignatureSchema, 0, 64),
    v.check((all) => new Set(all.map(({ keyid }) => keyid)).size === all.length, 'one key signed twice'),
  ),
  /** Kept as it came, since that is what was signed. */
  signed: v.unknown(),
})

/** A parsed file: what it says, the exact object that was signed, and who signed. */
export interface Envelope<T> {
  readonly signed: T
  readonly raw: unknown
  readonly signatures: readonly Signature[]
}

/**
 * Parses a metadata file without trusting it.
 *
 * @throws AfieldError `manifest/invalid` when the bytes are not metadata of this type.
 */
export function parseMetadata<const S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  file: string,
): Envelope<v.InferOutput<S>> {
  const envelope = parseJsonWith(EnvelopeSchema, bytes, 'manifest/invalid', file)
  const signed = parseWith(schema, envelope.signed, 'manifest/invalid', file)
  return { signed, raw: envelope.signed, signatures: envelope.signatures }
}

/** Milliseconds since 1970 at which metadata expires. */
export function expiryOf(metadata: { readonly expires: string }): number {
  return Date.parse(metadata.expires)
}
