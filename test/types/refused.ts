/**
 * Code that must not compile: where a line does, its `@ts-expect-error` stands for nothing, and that is an error. The
 * suite counts them too. Never run.
 */
import type { Afield } from 'afield'
import { retryModel, useModel, useSuspenseModel } from 'afield/react'

declare const afield: Afield
declare const canvas: HTMLCanvasElement
declare const anyText: string

export async function loading(): Promise<void> {
  // @ts-expect-error no model has this name
  await afield.load('learner-risks')
  // @ts-expect-error a text is not the name of a model
  await afield.load(anyText)
  // @ts-expect-error a version is a text
  await afield.load('learner-risk', { version: 1 })
}

export async function fallback(): Promise<void> {
  // @ts-expect-error a fallback answers all that the model does
  await afield.load('learner-risk', { fallback: { answer: { risk_score: 1 } } })
  // @ts-expect-error a function does, too
  await afield.load('learner-risk', { fallback: { answer: () => ({ risk_score: 1, needs_support: 'yes' }) } })
  await afield.load('learner-risk', {
    // @ts-expect-error no field has this name
    fallback: { answer: (it) => ({ risk_score: it.age, needs_support: true }) },
  })
  // @ts-expect-error headers are a function, so that a token is fresh
  await afield.load('learner-risk', { fallback: { remote: { url: 'https://a.example', headers: {} } } })
}

export async function record(): Promise<void> {
  const model = await afield.load('learner-risk')
  // @ts-expect-error quiz_score is missing
  await model.predict({ hours_studied: 4 })
  // @ts-expect-error no field has this name
  await model.predict({ hours_studied: 4, quiz_score: 61, age: 20 })
  // @ts-expect-error a number is asked for
  await model.predict({ hours_studied: '4', quiz_score: 61 })
  // @ts-expect-error a required field takes no null
  await model.predict({ hours_studied: null, quiz_score: 61 })
  // @ts-expect-error one record, not several
  await model.predict([{ hours_studied: 4, quiz_score: 61 }])
  // @ts-expect-error each of several is checked too
  await model.predictMany([{ hours_studied: 4 }])
  // @ts-expect-error candidates are ranked by an output that there is
  await model.predictMany([], { rankBy: 'risk' })
  const { outputs } = await model.predict({ hours_studied: 4, quiz_score: 61 })
  // @ts-expect-error no output has this name
  void outputs.needs_suport
  // @ts-expect-error a decision is no number
  void outputs.needs_support.toFixed(2)
  // @ts-expect-error answers are read, not written
  outputs.risk_score = 0
}

export async function recordOfEveryField(): Promise<void> {
  const model = await afield.load('enrolment')
  // @ts-expect-error no such plan
  await model.predict({ plan: 'Free', goal: '' })
  // @ts-expect-error an id is a text or a number
  await model.predict({ plan: 'free', goal: '', learner: { key: 7 } })
  // @ts-expect-error a boolean is not a number
  await model.predict({ plan: 'free', goal: '', mobile: 1 })
  const { outputs } = await model.predict({ plan: 'free', goal: '' })
  // @ts-expect-error no band has this name
  void (outputs.interest === 'medium')
  // @ts-expect-error no label has this name
  void (outputs.next_step.label === 'mail')
}

export async function otherKinds(): Promise<void> {
  const vibration = await afield.load('vibration')
  // @ts-expect-error a tensor is missing
  await vibration.predict({ window: new Float32Array(384) })
  // @ts-expect-error float32 is not int64
  await vibration.predict({ window: new Float32Array(384), 'machine/id': new Float32Array(1) })
  // @ts-expect-error state is carried, not given
  await vibration.predict({ window: [], 'machine/id': [7n], hidden: new Float32Array(32) })
  const digits = await afield.load('digit-reader')
  // @ts-expect-error the address of a picture is not a picture
  await digits.predict('digit.png')
  const words = await afield.load('wake-word')
  // @ts-expect-error samples without a rate
  await words.predict({ samples: new Float32Array(16_000) })
  // @ts-expect-error a picture is not a recording
  await words.predict(canvas)
  const check = await afield.load('content-check')
  // @ts-expect-error one text, not a record of one
  await check.predict({ text: 'hello' })
}

export async function hooks(): Promise<void> {
  // @ts-expect-error no model has this name
  useModel(afield, 'learner-risks')
  // @ts-expect-error no model has this name
  retryModel(afield, 'learner-risks')
  const risk = useModel(afield, 'learner-risk')
  // @ts-expect-error it may still be on its way
  void risk.predict({ hours_studied: 4, quiz_score: 61 })
  if (risk.status !== 'ready') return
  // @ts-expect-error quiz_score is missing
  await risk.predict({ hours_studied: 4 })
  const check = useSuspenseModel(afield, 'content-check')
  // @ts-expect-error one text, not a record of one
  await check.predict({ text: 'hello' })
}
