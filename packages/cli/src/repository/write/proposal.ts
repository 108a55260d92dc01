import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  RootSchema,
  TargetsSchema,
  canonicalBytes,
  parseMetadata,
  toHex,
  utf8,
  type Root,
  type Targets,
} from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../../errors.js'
import { parseJsonFile, readIfThere } from '../../read-file.js'
import type { Draft } from './draft.js'
import { diskFiles } from '../files/files.js'
import type { Metadata, Signing } from '../keys/sign.js'

/** A write that waits for signatures, in a file that devices never see. */
export interface Proposal {
  readonly id: string
  /** The file with most signatures, which may be carried to whoever holds the other keys. */
  readonly file: string
  readonly created: string
  /** The versions that it builds on: root, and each role that it replaces. */
  readonly base: Readonly<Record<string, number>>
  readonly draft: Draft
}

const envelope = v.object({
  signatures: v.array(v.object({ keyid: v.string(), sig: v.string() })),
  signed: v.looseObject({}),
})

const ProposalSchema = v.object({
  format: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/)),
  created: v.pipe(v.string(), v.isoTimestamp()),
  base: v.record(v.string(), v.number()),
  changes: v.array(v.object({ target: v.string(), text: v.string() })),
  root: v.optional(envelope),
  roles: v.record(v.string(), envelope),
})

export function newProposalId(): string {
  return randomBytes(4).toString('hex')
}

/** `<id>.json` as it was proposed; `<id>.<number>.json` for each approval. */
const NAME = /^([0-9a-f]{8})(?:\.[0-9a-f]{8})?\.json$/

/** Writes a new proposal. */
export async function writeProposal(folder: string, proposal: Omit<Proposal, 'file'>): Promise<Proposal> {
  return { ...proposal, file: await create(folder, `${proposal.id}.json`, proposal) }
}

/**
 * Writes a proposal with further signatures beside what is there, in a file of its own: of two who approve at the same
 * moment, in a folder that they share, neither overwrites the other.
 *
 * @returns the proposal with every signature that the folder has for it by then.
 * @throws CliError `proposal/invalid` when another file of that id would sign something else.
 */
export async function writeApproval(folder: string, proposal: Omit<Proposal, 'file'>): Promise<Proposal> {
  const { id } = proposal
  const file = await create(folder, `${id}.${newProposalId()}.json`, proposal)
  const others = (await filesOf(folder, id)).filter((other) => other !== file)
  return (await unite(id, [file, ...others])) ?? { ...proposal, file }
}

async function create(folder: string, name: string, proposal: Omit<Proposal, 'file'>): Promise<string> {
  const { id, created, base, draft } = proposal
  const decoder = new TextDecoder()
  const written: v.InferInput<typeof ProposalSchema> = {
    format: 1,
    id,
    created,
    base: { ...base },
    changes: draft.changes.map(({ target, bytes }) => ({ target, text: decoder.decode(bytes) })),
    ...(draft.root ? { root: envelopeOf(draft.root) } : {}),
    roles: Object.fromEntries([...draft.roles].map(([role, signing]) => [role, envelopeOf(signing)])),
  }
  const outcome = await diskFiles(folder).create(name, utf8(`${JSON.stringify(written, null, 2)}\n`))
  const file = join(folder, name)
  if (outcome === 'created') return file
  throw new CliError(
    'proposal/invalid',
    `${file} is there already. Nothing was signed; run the command again.`,
  )
}

function envelopeOf({ signed, signatures }: Signing): v.InferInput<typeof envelope> {
  return { signatures: [...signatures], signed: { ...signed } }
}

/** The proposals of a folder, oldest first. */
export async function readProposals(folder: string): Promise<readonly Proposal[]> {
  const ids = (await diskFiles(folder).list('.')).flatMap((name) => NAME.exec(name)?.[1] ?? [])
  const proposals = await Promise.all([...new Set(ids)].map((id) => readProposal(folder, id)))
  return proposals.sort((a, b) => a.created.localeCompare(b.created))
}

/**
 * Reads a proposal with the signatures of all its files.
 *
 * @throws CliError `proposal/missing`, `proposal/invalid`.
 */
export async function readProposal(folder: string, id: string): Promise<Proposal> {
  const proposal = await unite(id, await filesOf(folder, id))
  if (proposal) return proposal
  throw new CliError(
    'proposal/missing',
    `There is no proposal ${id} in ${folder}, or no longer: the last signature it needs publishes and removes it.`,
  )
}

async function filesOf(folder: string, id: string): Promise<readonly string[]> {
  const names = (await diskFiles(folder).list('.')).filter((name) => NAME.exec(name)?.[1] === id)
  return names.sort().map((name) => join(folder, name))
}

/** One proposal from its files, which have to agree in all but their signatures; `undefined` where all are gone. */
async function unite(id: string, files: readonly string[]): Promise<Proposal | undefined> {
  let united: Proposal | undefined
  for (const file of files) {
    const next = await readProposalFile(id, file)
    if (united && next && !same(united, next)) {
      throw new CliError(
        'proposal/invalid',
        `${file} and ${united.file} have one id and would do different things. Do not sign it; ask who made them.`,
      )
    }
    united = united && next ? withSignatures(united, next) : (united ?? next)
  }
  return united
}

function same(a: Proposal, b: Proposal): boolean {
  const [left, right] = [a, b].map(({ created, base, draft: { changes, root, roles } }) =>
    canonicalBytes({
      head: { created, base },
      changes: changes.map(({ target, bytes }) => [target, toHex(bytes)]),
      roles: Object.fromEntries([...roles].map(([name, { signed }]) => [name, signed])),
      root: root?.signed ?? null,
    }),
  )
  return left !== undefined && right !== undefined && Buffer.compare(left, right) === 0
}

/** The file with more signatures is the one to carry to somebody. */
function withSignatures(a: Proposal, b: Proposal): Proposal {
  const roles = [...a.draft.roles].map(([name, signing]): [string, Signing<Targets>] => [
    name,
    united(signing, b.draft.roles.get(name)),
  ])
  const draft = {
    ...a.draft,
    roles: new Map(roles),
    root: a.draft.root && united(a.draft.root, b.draft.root),
  }
  return { ...(signatureCount(b.draft) > signatureCount(a.draft) ? b : a), draft }
}

function united<T extends Metadata>(a: Signing<T>, b: Signing<T> | undefined): Signing<T> {
  const added = (b?.signatures ?? []).filter(({ keyid }) => !a.signatures.some((own) => own.keyid === keyid))
  return { ...a, signatures: [...a.signatures, ...added] }
}

/** How many signatures the parts of a draft have, valid or not. */
export function signatureCount({ root, roles }: Draft): number {
  return [...(root ? [root] : []), ...roles.values()].reduce((sum, part) => sum + part.signatures.length, 0)
}

async function readProposalFile(id: string, file: string): Promise<Proposal | undefined> {
  const bytes = await readIfThere(file)
  // Gone since it was listed: whoever publishes a proposal removes its files.
  if (!bytes) return undefined
  const result = v.safeParse(ProposalSchema, parseJsonFile(bytes, 'proposal/invalid', file))
  if (!result.success) {
    throw new CliError('proposal/invalid', `${file} is not a proposal: ${result.issues[0].message}.`)
  }
  const { created, base, changes, root, roles } = result.output
  return {
    id,
    file,
    created,
    base,
    draft: {
      changes: changes.map(({ target, text }) => ({ target, bytes: utf8(text) })),
      root: root && readRoot(root),
      roles: new Map(Object.entries(roles).map(([name, role]) => [name, readTargets(name, role)])),
    },
  }
}

/** Deletes all its files, also those that came while it was published. */
export async function deleteProposal({ id, file }: Proposal): Promise<void> {
  for (const path of await filesOf(dirname(file), id)) await rm(path, { force: true })
}

function readRoot(written: v.InferOutput<typeof envelope>): Signing<Root> {
  const { raw, signatures } = parseMetadata(RootSchema, utf8(JSON.stringify(written)), 'root.json')
  return { signed: raw as Root, signatures }
}

function readTargets(name: string, written: v.InferOutput<typeof envelope>): Signing<Targets> {
  const { raw, signatures } = parseMetadata(TargetsSchema, utf8(JSON.stringify(written)), `${name}.json`)
  return { signed: raw as Targets, signatures }
}
