import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { changeRollout, initRepository, publish, readRollout } from '@afield/cli'
import { parseModelIndex, type Rollout } from '@afield/protocol'

export const MODEL = 'learner-risk'
export const FIRST_VERSION = '1.0.0'

/** Where a version's model file is, from the project's folder. */
export function modelFile(version: string): string {
  return `examples/${MODEL}/models/${MODEL}-${version}.onnx`
}

/** What it was trained on, for the profile that drift is measured against. */
export const REFERENCE = `examples/${MODEL}/data/synthetic.csv`

/** What the repository says about the model. */
export interface ModelState {
  /** Oldest first. */
  readonly versions: readonly string[]
  readonly rollout: Rollout | undefined
}

/** Makes an empty repository with its keys beside it and returns its root metadata. */
export async function createRepository(repo: string): Promise<string> {
  const { root } = await initRepository({ repo })
  return readFile(root, 'utf8')
}

/** The other examples' models, whose newest version every device takes. */
const OTHERS = [
  { model: 'examples/content-check/models/content-check-1.0.0.onnx', version: '1.0.0' },
  { model: 'examples/digit-reader/models/digit-reader-1.0.0.onnx', version: '1.0.0' },
] as const

/** Publishes the first version and pins it, so that what is published later reaches nobody by itself. */
export async function publishFirst(projectRoot: string, repo: string): Promise<void> {
  const model = join(projectRoot, modelFile(FIRST_VERSION))
  await publish({ repo, model, version: FIRST_VERSION, reference: join(projectRoot, REFERENCE) })
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: FIRST_VERSION })
  for (const { model, version } of OTHERS) await publish({ repo, model: join(projectRoot, model), version })
}

/** Reads the newest state from the repository's own files, whoever changed it last. */
export async function readModelState(repo: string): Promise<ModelState> {
  const timestamp = await readSigned(repo, 'timestamp.json')
  const snapshot = await readSigned(repo, `${versionOf(timestamp, 'snapshot.json')}.snapshot.json`)
  const targets = await readSigned(repo, `${versionOf(snapshot, 'targets.json')}.targets.json`)
  const sha256 = targets.targets?.[`models/${MODEL}.json`]?.hashes.sha256
  if (sha256 === undefined) return { versions: [], rollout: undefined }
  const index = parseModelIndex(
    await readFile(join(repo, 'targets/models', `${sha256}.${MODEL}.json`)),
    MODEL,
  )
  return { versions: Object.keys(index.versions).sort(), rollout: await readRollout({ repo }, MODEL) }
}

/** The parts of metadata that lead to the model's index. */
interface Signed {
  readonly meta?: Readonly<Record<string, { readonly version: number } | undefined>>
  readonly targets?: Readonly<Record<string, { readonly hashes: { readonly sha256: string } } | undefined>>
}

async function readSigned(repo: string, file: string): Promise<Signed> {
  const text = await readFile(join(repo, 'metadata', file), 'utf8')
  return (JSON.parse(text) as { readonly signed: Signed }).signed
}

function versionOf({ meta }: Signed, file: string): number {
  const version = meta?.[file]?.version
  if (version === undefined) throw new Error(`The repository's metadata does not name ${file}.`)
  return version
}
