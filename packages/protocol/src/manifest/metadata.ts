import * as v from 'valibot'
import { AfieldError } from '../errors.js'
import { parseJson } from '../bytes.js'
import { parseWith } from '../parse.js'
import { Sha256Schema } from '../ids.js'

/**
 * The metadata files of TUF 1.0 (https://theupdateframework.github.io/specification/v1.0.33/). Unknown fields are
 * kept out of the types but inside the signature, as clause 4.1 asks.
 */

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const expires = v.pipe(v.string(), v.isoTimestamp())
const hashes = v.object({ sha256: Sha256Schema })
const keyId = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

const common = {
  spec_version: v.pipe(v.string(), v.regex(/^1\.\d+(\.\d+)?$/, 'written for another major version of TUF')),
  version: count,
  expires,
}

const KeySchema = v.object({
  keytype: v.string(),
  scheme: v.string(),
  keyval: v.object({ public: v.string() }),
})
export type Key = v.InferOutput<typeof KeySchema>

const RoleKeysSchema = v.object({ keyids: v.pipe(v.array(keyId), v.maxLength(64)), threshold: count })
export type RoleKeys = v.InferOutput<typeof RoleKeysSchema>

const keys = v.record(keyId, KeySchema)

export const RootSchema = v.object({
  _type: v.literal('root'),
  ...common,
  consistent_snapshot: v.literal(true),
  keys,
  roles: v.object({
    root: RoleKeysSchema,
    timestamp: RoleKeysSchema,
    snapshot: RoleKeysSchema,
    targets: RoleKeysSchema,
  }),
})
export type Root = v.InferOutput<typeof RootSchema>

const MetaFileSchema = v.object({ version: count, length: v.optional(size), hashes: v.optional(hashes) })
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

const TargetFileSchema = v.object({ length: size, hashes })
export type TargetFile = v.InferOutput<typeof TargetFileSchema>

const DelegatedRoleSchema = v.object({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/)),
  ...RoleKeysSchema.entries,
  terminating: v.boolean(),
  paths: v.array(v.string()),
})
export type DelegatedRole = v.InferOutput<typeof DelegatedRoleSchema>

/** Hash bins (TAP 15): 2^bit_length roles, `<name_prefix>-<hex of the first bits of the path's SHA-256>`. */
const SuccinctRolesSchema = v.object({
  ...RoleKeysSchema.entries,
  bit_length: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(32)),
  name_prefix: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/)),
})
export type SuccinctRoles = v.InferOutput<typeof SuccinctRolesSchema>

export const TargetsSchema = v.object({
  _type: v.literal('targets'),
  ...common,
  targets: v.record(v.string(), TargetFileSchema),
  delegations: v.optional(
    v.object({
      keys,
      roles: v.exactOptional(v.pipe(v.array(DelegatedRoleSchema), v.maxLength(64))),
      succinct_roles: v.exactOptional(SuccinctRolesSchema),
    }),
  ),
})
export type Targets = v.InferOutput<typeof TargetsSchema>

const SignatureSchema = v.object({ keyid: v.string(), sig: v.string() })
export type Signature = v.InferOutput<typeof SignatureSchema>

const EnvelopeSchema = v.object({
  signatures: v.pipe(v.array(SignatureSchema), v.maxLength(64)),
  signed: v.looseObject({ _type: v.string() }),
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
  const envelope = parseWith(
    EnvelopeSchema,
    parseJson(bytes, 'manifest/invalid', file),
    'manifest/invalid',
    file,
  )
  const signed = parseWith(schema, envelope.signed, 'manifest/invalid', file)
  return { signed, raw: envelope.signed, signatures: envelope.signatures }
}

/** Milliseconds since 1970 at which metadata expires. */
export function expiryOf(metadata: { readonly expires: string }): number {
  const at = Date.parse(metadata.expires)
  if (Number.isNaN(at)) throw new AfieldError('manifest/invalid', `"${metadata.expires}" is not a time.`)
  return at
}
