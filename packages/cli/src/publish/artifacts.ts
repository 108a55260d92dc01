import { basename, join } from 'node:path'
import type { Artifact, Backend, Requirements } from '@afield/protocol'
import { CliError } from '../errors.js'
import { sourceFiles, type SourceFile } from './artifact.js'
import { checkContract } from './check-contract.js'
import type { Config, FoundConfig } from './config.js'
import { readExternalData } from './external-data.js'
import { stemOf } from './golden-file.js'
import { readGraph, type Graph } from './graph.js'
import { readInput } from './read-input.js'
import type { LoadableModel } from './run-model.js'
import { refuseTooNew } from './runtime.js'

/** A model file that may run on some devices, with all that belongs to it. */
export interface SourceArtifact extends Omit<Artifact, 'files' | 'replay'> {
  /** The model file's name, for messages. */
  readonly file: string
  readonly graph: Graph
  readonly loadable: LoadableModel
  readonly sources: readonly SourceFile[]
}

/** The model file itself, and in order of preference what stands beside it. */
export interface SourceArtifacts {
  readonly main: SourceArtifact
  readonly variants: readonly SourceArtifact[]
}

/**
 * Reads the model and its variants and checks each against the contract.
 *
 * @throws CliError `file/missing`, `graph/invalid`, `graph/unsupported`, `contract/mismatch`, `external-data/invalid`;
 *   `config/invalid` for a variant that no device would ever choose.
 */
export async function readArtifacts(path: string, found: FoundConfig): Promise<SourceArtifacts> {
  const { config, dir } = found
  const main = await readArtifact(path, found, (graph) => ({
    variant: 'fp32',
    backends: config.backends ?? defaultBackends(graph),
  }))
  const variants: SourceArtifact[] = []
  for (const { model, ...described } of config.variants ?? []) {
    const file =
      model === undefined ? `${stemOf(path)}.${described.variant}.onnx` : join(dir, ...model.split('/'))
    variants.push(await readArtifact(file, found, () => described))
  }
  refuseIdle([...variants, main])
  return { main, variants }
}

type Described = Pick<Artifact, 'variant' | 'backends' | 'requires' | 'tolerance'>

async function readArtifact(
  path: string,
  found: FoundConfig,
  describe: (graph: Graph) => Described,
): Promise<SourceArtifact> {
  const file = basename(path)
  const model = await readInput(path, 'model')
  const graph = readGraph(model, file)
  refuseTooNew(graph, file)
  checkContract(found.config.contract, graph, file)
  const externalData = await readExternalData(path, graph.external)
  const sources = await sourceFiles(model, externalData, found)
  return { ...describe(graph), file, graph, loadable: { model, externalData }, sources }
}

/** A device tries a backend before it serves from it, so listing one that turns out not to work costs nothing. */
function defaultBackends({ inputs }: Graph): Backend[] {
  const fixed = inputs.every(({ shape }) => shape?.every((size) => typeof size === 'number'))
  // WebNN compiles a graph for its very sizes.
  return fixed ? ['wasm', 'webgpu', 'webnn'] : ['wasm', 'webgpu']
}

/** Refuses a file that is never the first that a device can run, on any of its backends. */
function refuseIdle(artifacts: readonly SourceArtifact[]): void {
  for (const [at, { file, backends, requires }] of artifacts.entries()) {
    const before = backends.map((backend) =>
      artifacts
        .slice(0, at)
        .find((one) => one.backends.includes(backend) && asksNoMore(one.requires, requires)),
    )
    const [first] = before
    if (!first || before.some((one) => one === undefined)) continue
    throw new CliError(
      'config/invalid',
      `No device would ever choose ${file}: ${first.file} comes before it, for the same backends, and asks for no ` +
        'more. Give the one that comes first a `requires` (memory, features or limits) that tells them apart, change ' +
        'their order, or leave one out.',
    )
  }
}

/** Whether every device that has what `b` asks for has what `a` asks for. */
function asksNoMore(a: Requirements = {}, b: Requirements = {}): boolean {
  return (
    (a.memory ?? 0) <= (b.memory ?? 0) &&
    (a.features ?? []).every((feature) => b.features?.includes(feature)) &&
    Object.entries(a.limits ?? {}).every(([limit, least]) => least <= (b.limits?.[limit] ?? -1))
  )
}

/** What all of the files need of a runtime. */
export function runtimeOf(artifacts: readonly SourceArtifact[], config: Config) {
  const graphs = artifacts.map(({ graph }) => graph)
  return {
    opset: Math.max(...graphs.map(({ opset }) => opset)),
    irVersion: Math.max(...graphs.map(({ irVersion }) => irVersion)),
    operators: [...new Set(graphs.flatMap(({ operators }) => operators))].sort(),
    ...config.runtime,
  }
}
