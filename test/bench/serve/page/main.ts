import { createAfield, type Afield, type Model } from 'afield'
import { wrap } from 'comlink'
import type { ComlinkCalls } from './comlink.worker.js'
import type { RawMessage } from './raw.worker.js'
import { startOf } from './runtime.js'

/** One prediction, by one of those that are compared. */
type Predict = (x: Float32Array) => Promise<unknown>

declare global {
  var peers: Promise<Readonly<Record<'afield' | 'raw' | 'comlink', Predict>>>
  var digits: (workers: number) => Promise<Model>
  var loop: (workers: number) => Promise<Model>
}

const afield: Promise<Afield> = (async () => {
  const repository = new URL('/repo/', location.href).href
  const root = await (await fetch(`${repository}metadata/1.root.json`)).text()
  return createAfield({ repository, root })
})()

/** A worker as one writes it by hand. */
async function raw(): Promise<Predict> {
  const worker = new Worker(new URL('./raw.worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, (y: unknown) => void>()
  let last = 0
  worker.addEventListener(
    'message',
    ({ data }: MessageEvent<{ readonly id: number; readonly y: unknown }>) => {
      waiting.get(data.id)?.(data.y)
      waiting.delete(data.id)
    },
  )
  const ask = (message: (id: number) => RawMessage): Promise<unknown> =>
    new Promise((resolve) => {
      const id = ++last
      waiting.set(id, resolve)
      worker.postMessage(message(id))
    })
  const start = await startOf('./model.onnx')
  await ask((id) => ({ id, start }))
  return (x) => ask((id) => ({ id, x }))
}

async function comlink(): Promise<Predict> {
  const worker = new Worker(new URL('./comlink.worker.ts', import.meta.url), { type: 'module' })
  const calls = wrap<ComlinkCalls>(worker)
  await calls.start(await startOf('./model.onnx'))
  return (x) => calls.predict(x)
}

let started: typeof globalThis.peers | undefined

async function startPeers(): typeof globalThis.peers {
  const model = await (await afield).load('digits-tensors')
  return {
    afield: (x: Float32Array) => model.predict(x),
    raw: await raw(),
    comlink: await comlink(),
  }
}

// Only where they are measured: on two cores, two models leave no room for a pool.
Object.defineProperty(globalThis, 'peers', { get: () => (started ??= startPeers()) })

globalThis.digits = async (workers) => (await afield).load('digits-tensors', { workers })
globalThis.loop = async (workers) => (await afield).load('loop', { workers })
