import type { Codec, GoldenVector } from '@afield/protocol'
import type { SourceArtifact, SourceArtifacts } from './artifacts.js'
import type { Config } from './config.js'
import { replayGoldenVectors } from './replay.js'
import { runModel } from './run-model.js'
import { namingOperators, needsGpu } from './runtime.js'

/** What came of the golden vectors on one file: they agree, were not run, or only a GPU could run them. */
export type Replayed = 'passed' | 'skipped' | 'left-to-devices'

/**
 * Replays the golden vectors on the model and each of its variants, or only opens each where they are skipped.
 *
 * A variant that is not meant for WASM and that WASM has no code for is left to devices: they replay the vectors on
 * their GPU before it may serve, and serve from WASM until then.
 *
 * @throws AfieldError `model/self-test-failed`, CliError `graph/invalid`, `graph/unsupported`, `golden/invalid`.
 */
export async function replayArtifacts(
  { main, variants }: SourceArtifacts,
  codec: Codec,
  vectors: readonly GoldenVector[],
  { tolerance }: Config,
  skip: boolean,
): Promise<ReadonlyMap<SourceArtifact, Replayed>> {
  const replayed = new Map<SourceArtifact, Replayed>()
  for (const artifact of [main, ...variants]) {
    const work = async (): Promise<Replayed> => {
      if (skip) {
        await runModel(artifact.loadable, codec, [])
        return 'skipped'
      }
      const said = artifact === main ? undefined : `The ${artifact.variant} variant ${artifact.file}`
      await replayGoldenVectors(artifact.loadable, codec, vectors, artifact.tolerance ?? tolerance, said)
      return 'passed'
    }
    const forWasm = artifact.backends.includes('wasm')
    replayed.set(artifact, await namingOperators(forWasm ? work : () => unlessForGpu(work)))
  }
  return replayed
}

async function unlessForGpu(work: () => Promise<Replayed>): Promise<Replayed> {
  try {
    return await work()
  } catch (error) {
    if (needsGpu(error)) return 'left-to-devices'
    throw error
  }
}
