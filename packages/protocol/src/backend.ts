/** What a session may run on. Every device has the first; the others are brought up beside it. */
export const BACKENDS = ['wasm', 'webgpu', 'webnn'] as const
export type Backend = (typeof BACKENDS)[number]
