import type { RuntimeBuild } from '../messages.js'

export { InferenceSession, Tensor, env } from 'onnxruntime-web/jspi'
export { accelerate } from '../accelerate.js'

export const BUILD: RuntimeBuild = 'jspi'
