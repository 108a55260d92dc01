import { writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { ContractSchema, type Codec, type Contract, type GoldenVector, type SelfTest } from '@afield/protocol'
import * as v from 'valibot'
import { diskRefusal } from '../disk.js'
import { CliError } from '../errors.js'
import { parseWritten } from '../parse.js'
import { sourceFiles } from '../publish/artifact.js'
import { readExternalData } from '../publish/external-data.js'
import { exists, goldenPath, recordedPath } from '../publish/golden-file.js'
import { readGraph, type Graph } from '../publish/graph.js'
import { publish } from '../publish/publish.js'
import { readInput } from '../publish/read-input.js'
import type { Item } from '../publish/checklist.js'
import { checkContract } from '../publish/check-contract.js'
import { namingOperators, refuseTooNew } from '../publish/runtime.js'
import { codecOf } from '../publish/kinds.js'
import type { LoadableModel } from '../publish/run-model.js'
import type { RepositoryLocation } from '../repository/files/location.js'
import {
  developmentConfig,
  readDevConfig,
  rewriteContract,
  writeDraft,
  type WrittenConfig,
} from './config.js'
import { readTable, type Table } from './csv.js'
import { generatedInputs } from './examples.js'
import { inferContract, type Inferred } from './infer/infer.js'
import { exampleRows, matchColumns, type ExampleRow } from './rows.js'
import { recordVectors, type RecordedVectors } from './vectors.js'

/** What `afield dev` is given. */
export interface DevSources {
  /** The ONNX file. */
  readonly model: string
  /** A CSV whose header names the model's inputs. */
  readonly csv?: string | undefined
  /** Columns of the CSV that hold what the model predicts. */
  readonly targets?: readonly string[] | undefined
}

/** One state of the model, its rows and its config, published to the development repository. */
export interface DevBuild {
  readonly model: string
  readonly version: string
  readonly contract: Contract
  /** Where the contract comes from. */
  readonly inferred: boolean
  readonly notes: readonly string[]
  readonly rows: readonly ExampleRow[]
  /** `recorded`: the golden vectors are the model's own answers. */
  readonly replay: SelfTest['replay']
  readonly vectors: readonly GoldenVector[]
  /** The config beside the model, and what `publish` will still ask for. */
  readonly config:
    { readonly path: string; readonly missing: readonly Item[]; readonly written: boolean } | undefined
  /** Files that this was made from. */
  readonly files: readonly string[]
}

/**
 * Publishes the model as it lies on the disk now to a development repository: contract from its config or inferred,
 * golden vectors of training or recorded.
 *
 * @throws CliError or AfieldError naming the first thing that is wrong; the version before it goes on serving.
 */
export async function build(
  sources: DevSources,
  { repo, keys }: RepositoryLocation,
  version: string,
): Promise<DevBuild> {
  const { model: path, targets = [] } = sources
  const model = await readInput(path, 'model')
  const graph = readGraph(model, basename(path))
  refuseTooNew(graph, basename(path))
  const externalData = await readExternalData(path, graph.external)
  const table = sources.csv === undefined ? undefined : await readTable(sources.csv)

  const found = await readDevConfig(path)
  // What nobody has touched is still a guess, and a CSV that is added later says more.
  const draft = [undefined, table].some((rows) => isDraft(found?.value.contract, graph, rows, targets))
  const inferred =
    found?.value.contract && !draft
      ? followContract(found.value.contract, found, table)
      : holdable(inferContract(graph, table, targets), basename(path))
  const { contract } = inferred
  checkWritten(contract, graph, found)
  const development = developmentConfig(path, contract, found)

  const rows = table ? exampleRows(contract, table, inferred.columns, targets) : []
  const loadable: LoadableModel = { model, externalData }
  const codec = await codecOf(contract, await sourceFiles(model, externalData, development))
  const trained = (await exists(goldenPath(path))) ? goldenPath(path) : undefined
  const { vectors: recorded, failures } =
    trained === undefined ? await record(loadable, codec, contract, rows) : NOTHING_RECORDED
  const { replay } = await publish({
    model: path,
    version,
    config: development,
    golden: trained ?? recorded,
    repo,
    keys,
    author: 'afield dev',
    reason: 'development',
  })
  // Only what works is left beside the model.
  if (recorded.length > 0) await keepRecorded(path, recorded)
  const { config: written, fresh } = await ensureConfig(path, contract, found)
  return {
    model: development.config.name,
    version,
    contract,
    inferred: found?.value.contract === undefined || draft,
    notes: [...inferred.notes, ...failureNotes(failures)],
    rows,
    replay,
    vectors: recorded,
    config: written && { path: written.path, missing: written.missing, written: fresh },
    files: [
      path,
      ...externalData.map((file) => join(dirname(path), file.path)),
      ...(development.config.assets ?? []).map((file) => join(development.dir, file)),
      ...(sources.csv === undefined ? [] : [sources.csv]),
    ],
  }
}

function followContract(contract: Contract, { path }: WrittenConfig, table: Table | undefined): Inferred {
  const columns = table ? matchColumns(contract, table, path) : new Map<string, number>()
  return { contract, columns, notes: [] }
}

/** A graph may have names and numbers of things that no contract takes. */
function holdable(inferred: Inferred, path: string): Inferred {
  parseWritten(ContractSchema, inferred.contract, 'contract/unclear', `What was inferred from ${path}`)
  return inferred
}

/** The config may be one of the folder above, and another model's. */
function checkWritten(contract: Contract, graph: Graph, found: WrittenConfig | undefined): void {
  try {
    checkContract(contract, graph)
  } catch (cause) {
    if (!(cause instanceof CliError) || !found) throw cause
    const where =
      `The contract is in ${found.path}. Correct it, or delete it there to have one inferred; if it is another model's, ` +
      'give this one a folder of its own.'
    throw new CliError(cause.code, `${cause.message}\n${where}`, { cause })
  }
}

function failureNotes([first, ...others]: readonly Error[]): readonly string[] {
  if (!first) return []
  const count = others.length + 1
  return [`The model fails on ${count} of the inputs that were tried: ${first.message}`]
}

/** True for a contract that is word for word what is inferred from these files. */
function isDraft(
  written: Contract | undefined,
  graph: Graph,
  table: Table | undefined,
  targets: readonly string[],
): boolean {
  if (!written) return false
  try {
    return isSame(inferContract(graph, table, targets).contract, written)
  } catch (error) {
    if (error instanceof CliError) return false
    throw error
  }
}

/** Whatever is left out of either. */
function isSame(contract: Contract, other: Contract): boolean {
  return isDeepStrictEqual(v.parse(ContractSchema, contract), v.parse(ContractSchema, other))
}

async function ensureConfig(model: string, contract: Contract, found: WrittenConfig | undefined) {
  if (found) {
    const before = found.value.contract
    const outdated = before !== undefined && !isSame(contract, before)
    return { config: found, fresh: outdated && (await rewriteContract(found.path, contract)) }
  }
  const path = await writeDraft(model, contract)
  return { config: path === undefined ? undefined : await readDevConfig(model), fresh: path !== undefined }
}

/** For `publish`, where training writes none. A folder that may not be written to is no reason to stop. */
async function keepRecorded(model: string, vectors: readonly GoldenVector[]): Promise<void> {
  try {
    await writeFile(recordedPath(model), `${JSON.stringify(vectors, null, 2)}\n`)
  } catch (error) {
    if (diskRefusal(error)?.code !== 'disk/denied') throw error
  }
}

const NOTHING_RECORDED: RecordedVectors = { vectors: [], failures: [] }

function record(model: LoadableModel, codec: Codec, contract: Contract, rows: readonly ExampleRow[]) {
  const inputs = rows.length > 0 ? rows.map(({ input }) => input) : generatedInputs(contract)
  return namingOperators(() => recordVectors(model, codec, inputs))
}
