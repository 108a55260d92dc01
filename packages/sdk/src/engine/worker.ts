import { AfieldError, asAfieldError, errorToData } from '@afield/protocol'
import { Awake, AWAKE_MS } from '../awake.js'
import type { EngineModel } from '../keeper/ports.js'
import { connect } from '../remote.js'
import { compileRuntime } from './compile.js'
import { kindsFrom } from './kinds.js'
import type { Answer, EngineFacts, FromEngine, Question, ToEngine } from './messages.js'
import { provideRuntime, proveRuntime, startRuntime, useThreads } from './onnxruntime.js'
import { Predictor, type Hear, type Predicted } from './predictor.js'
import { Reporter } from './reporter.js'
import { threadsFor, usualThreads } from './threads.js'

/** What the keeper may ask of an engine. */
export interface Supply {
  load(model: EngineModel): Promise<EngineFacts>
  measure(together: number, selfTest: unknown): Promise<number>
}

/** When the first prediction has had its turn: sharing the compiled runtime takes some of it. */
const SHARED_AFTER_MS = 100

/** Answers in a message from which on their tensors are handed over. */
const HANDED_OVER = 32

/** Answers of one message go out together for so long: each costs whoever waits a task. */
const GATHER_MS = 1
/** How often it says that it works, at most: a page takes an engine that says nothing for long to hang. */
const SIGN_EVERY_MS = 50

const NO_MODEL = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')

let predictor: Predictor | undefined
const reporter = new Reporter((report) => post({ type: 'report', report }))
const awake = new Awake()
/** Answers to keep; said before or after there is a model. */
let kept = 0

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  switch (data.type) {
    case 'open':
      return open(data)
    case 'predict':
      return void answer(data.questions)
    case 'packed':
      return void answerPacked(data)
    case 'report':
      return reporter.report()
    case 'configure':
      kept = data.cache
      predictor?.keepAnswers(kept)
  }
})

function open({
  urls,
  supply,
  module: given,
  threads = usualThreads(),
}: Extract<ToEngine, { type: 'open' }>): void {
  const { runtime } = urls
  const kindOf = kindsFrom(urls.kinds)
  const module = given ? Promise.resolve(given) : compileRuntime(runtime.wasm)
  provideRuntime(runtime, module)
  let asked = false
  const ready = threads > 1 ? undefined : warmUp(module, () => !asked)
  connect(supply, {
    load: async (model) => {
      asked = true
      // onnxruntime is told of its threads once, so it can start only with the model that may want some.
      if (!ready) useThreads(threadsFor(model, threads))
      const made = await Predictor.create(model, kindOf, ready)
      made.keepAnswers(kept)
      predictor = made
      reporter.follow(model)
      if (made.sharesRuns) post({ type: 'shares', packs: made.packs })
      void made.lost?.then(fail)
      // Once the first prediction has had its turn.
      if (!given)
        setTimeout(() => void module.then((module) => post({ type: 'compiled', module })), SHARED_AFTER_MS)
      return made.facts
    },
    measure: async (together, selfTest) => {
      if (!predictor) throw NO_MODEL
      return predictor.measure(together, selfTest)
    },
  } satisfies Supply)
  supply.start()
}

/** Everything that a first session needs and that needs no model; what it takes is no longer waited for then. */
async function warmUp(module: Promise<WebAssembly.Module>, isIdle: () => boolean): Promise<void> {
  try {
    await module
    await startRuntime()
    if (isIdle()) await proveRuntime()
  } catch {
    // Whoever loads a model meets the same failure; until then nobody is there to tell.
  }
}

async function answer(questions: readonly Question[], began = performance.now()): Promise<void> {
  const to = questions[0]?.id ?? 0
  let answers: Answer[] = []
  let toldAt = began
  let left = questions.length
  const hear: Hear = (told) => {
    for (const [at, result] of told) answers.push(answerOf(to + at, result))
    left -= told.length
    const now = performance.now()
    // The last go with the end.
    if (left === 0 || now - toldAt < (answers.length > 0 ? GATHER_MS : SIGN_EVERY_MS)) return
    tell({ type: 'answers', to, answers })
    answers = []
    toldAt = now
  }
  const results = await predict(questions, hear)
  const ms = performance.now() - began
  tell({ type: 'answers', to, answers, ms })
  expectNext(questions.length, ms)
  const exhausted = results.find((one) => one instanceof AfieldError && one.code === 'engine/out-of-memory')
  if (exhausted instanceof AfieldError) fail(exhausted)
  reporter.answered(questions, results)
}

async function predict(questions: readonly Question[], hear: Hear): Promise<readonly Predicted[]> {
  try {
    if (!predictor) throw NO_MODEL
    return await predictor.predict(questions, hear)
  } catch (cause) {
    const error = asAfieldError(cause, 'internal/unexpected', 'The session failed')
    hear(questions.map((_, at) => [at, error]))
    return questions.map(() => error)
  }
}

async function answerPacked({ id, count, data }: Extract<ToEngine, { type: 'packed' }>): Promise<void> {
  const began = performance.now()
  const tensors = await predictor?.predictPacked(data, count)
  if (!tensors) return answer(unpacked(id, count, data), began)
  const ms = performance.now() - began
  const { buffer: spare } = data
  try {
    // What is small is copied faster than it is handed over.
    if (count < HANDED_OVER || !(spare instanceof ArrayBuffer)) post({ type: 'packed', to: id, tensors, ms })
    else {
      const message: FromEngine = { type: 'packed', to: id, tensors, ms, spare }
      // A tensor may have several names, and nothing can be handed over twice.
      postMessage(message, [...new Set([spare, ...tensors.map((tensor) => tensor.data.buffer)])])
    }
  } catch {
    // Too large for one message.
    return answer(unpacked(id, count, data), began)
  }
  expectNext(count, ms)
}

function unpacked(id: number, count: number, data: Float32Array): readonly Question[] {
  const length = data.length / count
  return Array.from({ length: count }, (_, i) => ({
    id: id + i,
    input: data.subarray(i * length, (i + 1) * length),
  }))
}

/** Who asks one thing after the other asks again as soon as this answer is read. */
function expectNext(count: number, ms: number): void {
  if (count === 1 && ms < AWAKE_MS) awake.stay()
}

function answerOf(id: number, result: Predicted): Answer {
  if (result instanceof AfieldError) return { id, error: errorToData(result) }
  const { cached, ...answer } = result
  return cached ? { id, answer, cached } : { id, answer: result }
}

function tell(message: Extract<FromEngine, { type: 'answers' }>): void {
  try {
    post(message)
  } catch (cause) {
    // Such as answers that are too large to be copied. Whoever asked must hear of it, or would wait for ever.
    const error = errorToData(asAfieldError(cause, 'engine/run-failed', 'The answers could not be sent'))
    post({ ...message, answers: message.answers.map(({ id }) => ({ id, error })) })
  }
}

/** The page ends an engine that is of no use any more; what it was asked is then asked elsewhere. */
function fail(error: AfieldError): void {
  post({ type: 'failed', error: errorToData(error) })
}

function post(message: FromEngine): void {
  postMessage(message)
}
