/** Code that must compile where `afield-models.d.ts` tells what the models are. Never run. */
import type { Afield, Model, Prediction } from 'afield'
import { retryModel, useModel, useSuspenseModel, type ModelState } from 'afield/react'

declare const afield: Afield
declare const canvas: HTMLCanvasElement
declare const file: File
declare const recording: AudioBuffer

/** The two are one type, neither wider than the other. */
declare function same<A, B>(holds: [A] extends [B] ? ([B] extends [A] ? true : false) : false): void

export async function record(): Promise<void> {
  const model = await afield.load('learner-risk', { version: 'beta' })
  same<typeof model.name, 'learner-risk'>(true)
  const { outputs, modelVersion } = await model.predict({ hours_studied: 4, quiz_score: 61 })
  same<typeof outputs.risk_score, number>(true)
  same<typeof outputs.needs_support, boolean>(true)
  same<typeof modelVersion, string>(true)
  same<keyof typeof outputs, 'risk_score' | 'needs_support'>(true)
  const ranked = await model.predictMany([{ hours_studied: 4, quiz_score: 61 }], { rankBy: 'risk_score' })
  same<(typeof ranked.results)[number]['outputs']['risk_score'], number>(true)
}

export async function fallback(): Promise<void> {
  const answer = { risk_score: 1, needs_support: true }
  const model = await afield.load('learner-risk', {
    fallback: { remote: { url: 'https://models.example.com', headers: async () => ({ a: 'b' }) }, answer },
  })
  await afield.load('learner-risk', {
    fallback: {
      answer: ({ quiz_score }, { code }) => {
        same<typeof quiz_score, number>(true)
        return { risk_score: quiz_score / 100, needs_support: code === 'model/killed' }
      },
    },
  })
  useModel(afield, 'learner-risk', { fallback: { answer: async () => answer } })
  const { outputs, servedBy } = await model.predict({ hours_studied: 4, quiz_score: 61 }, { timeoutMs: 300 })
  same<typeof outputs.risk_score, number>(true)
  same<typeof servedBy, 'model' | 'previous' | 'remote' | 'constant' | 'function'>(true)
  const pinned = await model.pin()
  same<Awaited<ReturnType<typeof pinned.predict>>['outputs'], typeof outputs>(true)
}

export async function recordOfEveryField(): Promise<void> {
  const model = await afield.load('enrolment')
  await model.predict({ plan: 'free', goal: 'a diploma' })
  const full = { learner: 7, plan: "teacher's", mobile: true, courses: null, goal: '' } as const
  const { outputs } = await model.predict(full, { signal: AbortSignal.timeout(100) })
  same<typeof outputs.interest, 'low' | 'high'>(true)
  same<typeof outputs.next_step.label, 'call' | 'write'>(true)
  same<typeof outputs.learner, string | number | undefined>(true)
}

export async function tensors(): Promise<void> {
  const model = await afield.load('vibration')
  const window = { dims: [1, 128, 3], data: new Float32Array(384) }
  const { outputs } = await model.predict({ window, 'machine/id': [7n] })
  same<typeof outputs.spectrum.dims, readonly number[]>(true)
  const { state } = await model.predict({ window, 'machine/id': 7 })
  if (state) await model.predict({ window, 'machine/id': [7n] }, { state })

  const embedding = await afield.load('embedding')
  await embedding.predict([0, 1, 2, 3, 4, 5, 6, 7])
  await embedding.predict({ vector: new Float32Array(8) })
}

export async function media(): Promise<void> {
  const digits = await afield.load('digit-reader')
  const { outputs } = await digits.predict(canvas)
  same<(typeof outputs.digits)[number]['label'], '0' | '1' | '2'>(true)
  await digits.predict(file)
  await digits.predict(await createImageBitmap(file))

  const words = await afield.load('wake-word')
  await words.predict(recording)
  await words.predict({ samples: [new Float32Array(16_000)], sampleRate: 16_000 })
  await words.predict(new Float32Array(16_000))

  const check = await afield.load('content-check')
  const answer: Prediction<{ readonly unkind: boolean }> = await check.predict('hello')
  same<typeof answer.outputs.unkind, boolean>(true)
}

export async function hooks(): Promise<void> {
  const risk = useModel(afield, 'learner-risk', { version: 'latest' })
  same<typeof risk, ModelState<'learner-risk'>>(true)
  if (risk.status !== 'ready') return
  same<typeof risk.model, Model<'learner-risk'>>(true)
  const { outputs } = await risk.predict({ hours_studied: 4, quiz_score: 61 })
  same<typeof outputs.risk_score, number>(true)
  const digits = useSuspenseModel(afield, 'digit-reader')
  const answer = await digits.predict(canvas)
  same<(typeof answer.outputs.digits)[number]['label'], '0' | '1' | '2'>(true)
  retryModel(afield, 'learner-risk')
}
