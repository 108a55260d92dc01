import { AfieldError } from './errors.js'

/** The onnxruntime-web that this release carries, and the newest that it reads. */
export const ONNXRUNTIME = { version: '1.30.0', opset: 26, irVersion: 13 } as const

/** What a version asks of the runtime. */
export interface RuntimeNeeds {
  readonly opset: number
  /** Comparisons that must all hold, such as `>=1.20.0 <2.0.0`. */
  readonly ort?: string
}

/**
 * Says why this runtime cannot run a version, which is known before anything of it is downloaded.
 *
 * @returns AfieldError `platform/unsupported` naming what the version needs; `undefined` when it can.
 */
export function unrunnable({ opset, ort }: RuntimeNeeds): AfieldError | undefined {
  const { version, opset: newest } = ONNXRUNTIME
  if (opset > newest) return unsupported(`opset ${opset}`, `reads opsets up to ${newest}`)
  const fits = ort === undefined || ort.split(' ').every((range) => holds(version, range))
  return fits ? undefined : unsupported(`onnxruntime-web ${ort}`, 'is another')
}

function holds(version: string, range: string): boolean {
  const [, operator, bound = ''] = /^([<>]=?)(.*)$/.exec(range) ?? []
  const numbers = bound.split('.').map(Number)
  const difference = version
    .split('.')
    .map((part, i) => Number(part) - (numbers[i] ?? 0))
    .find((part) => part !== 0)
  if (difference === undefined) return operator?.endsWith('=') ?? false
  return difference > 0 === operator?.startsWith('>')
}

function unsupported(needs: string, why: string): AfieldError {
  return new AfieldError(
    'platform/unsupported',
    `This version needs ${needs}; the onnxruntime-web ${ONNXRUNTIME.version} here ${why}. Update afield in the app, or export the model for an older one.`,
    { details: { needs } },
  )
}
