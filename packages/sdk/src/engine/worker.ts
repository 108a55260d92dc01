import * as Comlink from 'comlink'
import { AfieldError, asAfieldError, errorToData } from '@afield/protocol'
import { keepErrorCodes } from '../comlink-errors.js'
import type { EngineModel } from '../keeper/ports.js'
import { compileRuntime } from './compile.js'
import { kindsFrom } from './kinds.js'
import type { Answer, FromEngine, Question, ToEngine } from './messages.js'
import { provideRuntime, proveRuntime, startRuntime } from './onnxruntime.js'
import { Session } from './session.js'

/** What the keeper may ask of an engine. */
export interface Supply {
  load(model: EngineModel): Promise<void>
}

keepErrorCodes()

let session: Session | undefined

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  if (data.type === 'open') open(data)
  else void answer(data.questions)
})

function open({ urls, supply }: Extract<ToEngine, { type: 'open' }>): void {
  const { runtime } = urls
  const kindOf = kindsFrom(urls.kinds)
  const module = compileRuntime(runtime.wasm)
  provideRuntime(runtime, module)
  let asked = false
  const ready = warmUp(module, () => !asked)
  Comlink.expose(
    {
      load: async (model) => {
        asked = true
        await ready
        session = await Session.create(model, kindOf)
      },
    } satisfies Supply,
    supply,
  )
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
  try {
    const answers = await (session ? session.predict(questions) : [])
    const none = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')
    tell(
      questions.map(({ id }, i): Answer => {
        const result = answers[i] ?? none
        return result instanceof AfieldError ? { id, error: errorToData(result) } : { id, answer: result }
      }),
    )
  } catch (cause) {
    // Such as answers that are too large to be copied. Whoever asked must hear of it, or would wait for ever.
    const error = errorToData(asAfieldError(cause, 'engine/run-failed', 'The answers could not be sent'))
    tell(questions.map(({ id }) => ({ id, error })))
  }
}

function tell(answers: readonly Answer[]): void {
  postMessage({ type: 'answers', answers } satisfies FromEngine)
}
