import { access } from 'node:fs/promises'
import type { Contract, GoldenVector } from '@afield/protocol'
import { isMissing } from '../read-file.js'
import { readGoldenVectors } from './golden.js'

const RECORDED = '.recorded.json'

/** The golden vectors of a version, and whose answers they hold. */
export interface FoundVectors {
  readonly vectors: readonly GoldenVector[]
  /** The model's own answers, written down by `afield dev`, rather than training's. */
  readonly recorded: boolean
}

/**
 * The vectors of the given file; else of `<model>.golden.json`, which training writes; else of `<model>.recorded.json`.
 * Vectors that are given themselves were recorded.
 *
 * @throws CliError `file/missing`, `golden/invalid`.
 */
export async function findGoldenVectors(
  model: string,
  given: string | readonly GoldenVector[] | undefined,
  contract: Contract,
): Promise<FoundVectors> {
  if (typeof given === 'object') return { vectors: given, recorded: true }
  const path = given ?? (await goldenFile(model))
  return { vectors: await readGoldenVectors(path, contract), recorded: path.endsWith(RECORDED) }
}

async function goldenFile(model: string): Promise<string> {
  const ofTraining = goldenPath(model)
  const recorded = recordedPath(model)
  return !(await exists(ofTraining)) && (await exists(recorded)) ? recorded : ofTraining
}

/** What training writes. */
export function goldenPath(model: string): string {
  return `${stemOf(model)}.golden.json`
}

/** What `afield dev` writes. */
export function recordedPath(model: string): string {
  return stemOf(model) + RECORDED
}

export function stemOf(model: string): string {
  return model.replace(/\.onnx$/, '')
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
