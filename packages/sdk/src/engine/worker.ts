import { AfieldError, asAfieldError, errorToData } from '@afield/protocol'
import type { EngineModel } from '../keeper/ports.js'
import { connect } from '../remote.js'
import { compileRuntime } from './compile.js'
import { kindsFrom } from './kinds.js'
import type { Answer, EngineFacts, FromEngine, Question, ToEngine } from './messages.js'
import { provideRuntime, proveRuntime, startRuntime } from './onnxruntime.js'
import { Predictor } from './predictor.js'
import { Reporter } from './reporter.js'

/** What the keeper may ask of an engine. */
export interface Supply {
  load(model: EngineModel): Promise<EngineFacts>
  measure(together: number): Promise<number>
}

const NO_MODEL = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')

let predictor: Predictor | undefined
const reporter = new Reporter((report) => postMessage({ type: 'report', report } satisfies FromEngine))

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  if (data.type === 'open') open(data)
  else if (data.type === 'report') reporter.report()
  else void answer(data.questions)
})

function open({ urls, supply }: Extract<ToEngine, { type: 'open' }>): void {
  const { runtime } = urls
  const kindOf = kindsFrom(urls.kinds)
  const module = compileRuntime(runtime.wasm)
  provideRuntime(runtime, module)
  let asked = false
  const ready = warmUp(module, () => !asked)
  connect(supply, {
    load: async (model) => {
      asked = true
      await ready
      predictor = await Predictor.create(model, kindOf)
      reporter.follow(model)
      return predictor.facts
    },
    measure: async (together) => {
      if (!predictor) throw NO_MODEL
      return predictor.measure(together)
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
    reporter.answered(questions, answers)
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
  postMessage({ type: 'answers', answers, ms: performance.now() - began } satisfies FromEngine)
}
