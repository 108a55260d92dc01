import type { RuntimeBuild } from '../messages.js'

export { InferenceSession, Tensor, env } from 'onnxruntime-web/webgpu'
export { accelerate } from '../accelerate.js'

export const BUILD: RuntimeBuild = 'asyncify'
