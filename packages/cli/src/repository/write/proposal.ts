import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RootSchema, TargetsSchema, parseMetadata, utf8, type Root, type Targets } from '@afield/protocol'
import * as v from 'valibot'
import { CliError } from '../../errors.js'
import { isMissing, parseJsonFile, readIfThere } from '../../read-file.js'
import type { Draft } from './draft.js'
import { diskFiles } from '../files/files.js'
import type { Signing } from '../keys/sign.js'

/** A write that waits for signatures, in a file that devices never see. */
export interface Proposal {
  readonly id: string
  /** The proposal's file, which may be carried to whoever holds the other keys. */
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

function proposalFile(folder: string, id: string): string {
  return join(folder, `${id}.json`)
}

/** Writes a proposal, or replaces it with one that has more signatures. */
export async function writeProposal(folder: string, proposal: Omit<Proposal, 'file'>): Promise<Proposal> {
  const { id, created, base, draft } = proposal
  const decoder = new TextDecoder()
  const written: v.InferInput<typeof ProposalSchema> = {
    format: 1,
    id,
    created,
    base,
    changes: draft.changes.map(({ target, bytes }) => ({ target, text: decoder.decode(bytes) })),
    ...(draft.root ? { root: envelopeOf(draft.root) } : {}),
    roles: Object.fromEntries([...draft.roles].map(([name, signing]) => [name, envelopeOf(signing)])),
  }
  await mkdir(folder, { recursive: true })
  await diskFiles(folder).replace(`${id}.json`, utf8(`${JSON.stringify(written, null, 2)}\n`))
  return { ...proposal, file: proposalFile(folder, id) }
}

function envelopeOf({ signed, signatures }: Signing): v.InferInput<typeof envelope> {
  return { signatures: [...signatures], signed: { ...signed } }
}

/** The proposals of a folder, oldest first. */
export async function readProposals(folder: string): Promise<readonly Proposal[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  const ids = names.flatMap((name) => /^([0-9a-f]{8})\.json$/.exec(name)?.[1] ?? [])
  const proposals = await Promise.all(ids.map((id) => readProposal(folder, id)))
  return proposals.sort((a, b) => a.created.localeCompare(b.created))
}

/** @throws CliError `proposal/missing`, `proposal/invalid`. */
export async function readProposal(folder: string, id: string): Promise<Proposal> {
  const file = proposalFile(folder, id)
  const bytes = await readIfThere(file)
  if (!bytes) throw new CliError('proposal/missing', `There is no proposal ${id} in ${folder}.`)
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

export async function deleteProposal({ file }: Proposal): Promise<void> {
  await rm(file, { force: true })
}

function readRoot(written: v.InferOutput<typeof envelope>): Signing<Root> {
  const { raw, signatures } = parseMetadata(RootSchema, utf8(JSON.stringify(written)), 'root.json')
  return { signed: raw as Root, signatures }
}

function readTargets(name: string, written: v.InferOutput<typeof envelope>): Signing<Targets> {
  const { raw, signatures } = parseMetadata(TargetsSchema, utf8(JSON.stringify(written)), `${name}.json`)
  return { signed: raw as Targets, signatures }
}
