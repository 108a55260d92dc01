import type { Start } from './runtime.js'
import { createRun } from './session.js'

export type RawMessage = { readonly id: number } & ({ readonly start: Start } | { readonly x: Float32Array })

let run: ((x: Float32Array) => Promise<Float32Array>) | undefined

addEventListener('message', ({ data }: MessageEvent<RawMessage>) => void answer(data))

async function answer(message: RawMessage): Promise<void> {
  const { id } = message
  if ('start' in message) run = await createRun(message.start)
  postMessage({ id, y: 'x' in message ? await run?.(message.x) : undefined })
}
