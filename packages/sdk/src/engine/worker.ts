import { AfieldError, asAfieldError, errorToData } from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { connect } from '../remote.js'
import { compileRuntime } from './compile.js'
import { kindsFrom } from './kinds.js'
import type { Answer, EngineFacts, FromEngine, Question, ToEngine } from './messages.js'
import { provideRuntime, proveRuntime, startRuntime, useThreads } from './onnxruntime.js'
import { Predictor } from './predictor.js'
import { threadsFor, usualThreads } from './threads.js'

/** What the keeper may ask of an engine. */
export interface Supply {
  load(model: EngineModel): Promise<EngineFacts>
  measure(together: number, selfTest: unknown): Promise<number>
}

/** When the first prediction has had its turn: sharing the compiled runtime takes some of it. */
const SHARED_AFTER_MS = 100

const NO_MODEL = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')

let predictor: Predictor | undefined

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  if (data.type === 'open') open(data)
  else void answer(data.questions)
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
      if (ready) await ready
      else useThreads(threadsFor(model, threads))
      const made = await Predictor.create(model, kindOf)
      predictor = made
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

async function answer(questions: readonly Question[]): Promise<void> {
  const began = performance.now()
  try {
    const answers = await (predictor ? predictor.predict(questions) : [])
    tell(
      questions.map(({ id }, i): Answer => {
        const result = answers[i] ?? NO_MODEL
        return result instanceof AfieldError ? { id, error: errorToData(result) } : { id, answer: result }
      }),
      began,
    )
  } catch (cause) {
    // Such as answers that are too large to be copied. Whoever asked must hear of it, or would wait for ever.
    const error = errorToData(asAfieldError(cause, 'engine/run-failed', 'The answers could not be sent'))
    tell(
      questions.map(({ id }) => ({ id, error })),
      began,
    )
  }
}

function tell(answers: readonly Answer[], began: number): void {
  post({ type: 'answers', answers, ms: performance.now() - began })
  const exhausted = answers.find((one) => 'error' in one && one.error.code === 'engine/out-of-memory')
  if (exhausted && 'error' in exhausted) post({ type: 'failed', error: exhausted.error })
}

/** The page ends an engine that is of no use any more; what it was asked is then asked elsewhere. */
function fail(error: AfieldError): void {
  post({ type: 'failed', error: errorToData(error) })
}

function post(message: FromEngine): void {
  postMessage(message)
}
