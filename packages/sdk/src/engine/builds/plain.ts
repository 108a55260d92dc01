import { AfieldError, type Backend } from '@afield/protocol'
import type { Accelerator } from '../accelerator.js'
import type { RuntimeBuild } from '../messages.js'

/**
 * The build of onnxruntime that an engine is bundled with. `bundle.mjs` puts one of its neighbours in its place for the
 * other two engines; Node runs this one.
 */
export { InferenceSession, Tensor, env } from 'onnxruntime-web/wasm'

export const BUILD: RuntimeBuild = 'plain'

export function accelerate(backend: Backend): Promise<Accelerator> {
  const error = new AfieldError('engine/session-failed', `This engine runs WASM and no ${backend}.`, {
    details: { backend },
  })
  return Promise.reject(error)
}
