import { ONNXRUNTIME, unrunnable } from '@afield/protocol'
import { CliError } from '../errors.js'
import type { Graph } from './graph.js'

/** It knows the operator, and has no code for it on the CPU or for these types. */
const MISSING_KERNEL = /Could not find an implementation for ([^\s(]+)\(/

/** How onnxruntime names an operator that it does not have, or has no code for. */
const UNKNOWN_OPERATOR = [
  /Fatal error: (\S+?)\(-?\d+\) is not a registered function\/op/,
  /No Op registered for (\S+) with domain_version/,
  MISSING_KERNEL,
]

/**
 * Refuses a graph that is newer than what devices carry.
 *
 * @throws CliError `graph/unsupported`.
 */
export function refuseTooNew({ opset, irVersion }: Graph, path: string): void {
  const needs = unrunnable({ opset })
    ? `opset ${opset}, and onnxruntime-web ${ONNXRUNTIME.version} reads opsets up to ${ONNXRUNTIME.opset}`
    : irVersion > ONNXRUNTIME.irVersion
      ? `IR version ${irVersion}, and onnxruntime-web ${ONNXRUNTIME.version} reads versions up to ${ONNXRUNTIME.irVersion}`
      : undefined
  if (needs === undefined) return
  throw new CliError('graph/unsupported', `${path} needs ${needs}. Export it for an older one.`)
}

/**
 * Runs something with onnxruntime.
 *
 * @throws CliError `graph/unsupported` naming the operator, where one is what it fails for.
 */
export async function namingOperators<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const operator = UNKNOWN_OPERATOR.map((pattern) => pattern.exec(reason)?.[1]).find(Boolean)
    if (operator === undefined) throw cause
    throw new CliError(
      'graph/unsupported',
      `The graph uses the operator "${operator}", which onnxruntime-web ${ONNXRUNTIME.version} does not have. ` +
        'Export the model without it: most converters have an option, or the layer can be written with others.',
      { cause },
    )
  }
}

/** Whether a model cannot run here for want of code that onnxruntime may have on a GPU. */
export function needsGpu(error: unknown): boolean {
  return MISSING_KERNEL.test(error instanceof Error ? error.message : String(error))
}
