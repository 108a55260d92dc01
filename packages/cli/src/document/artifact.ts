import type { Artifact } from '@afield/protocol'
import { formatBytes } from '../commands/print.js'

type Described = Pick<Artifact, 'variant' | 'backends' | 'requires'> & { readonly replay?: string }

/** One line: `fp16 on webgpu, where the GPU has shader-f16`. */
export function describeArtifact({ variant, backends, requires = {}, replay }: Described): string {
  const { memory, features = [], limits = {} } = requires
  const wanted = [
    ...features,
    ...Object.entries(limits).map(([limit, least]) => `${limit} of ${least} or more`),
  ]
  const conditions = [
    ...(memory === undefined ? [] : [`the device has ${formatBytes(memory)} of memory`]),
    ...(wanted.length === 0 ? [] : [`the GPU has ${wanted.join(', ')}`]),
  ]
  const where = conditions.length === 0 ? '' : `, where ${conditions.join(' and ')}`
  const judge = replay === undefined || replay === 'passed' ? '' : ' (its golden vectors are left to devices)'
  return `${variant} on ${backends.join(', ')}${where}${judge}`
}
