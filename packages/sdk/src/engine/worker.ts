import * as Comlink from 'comlink'
import { AfieldError, errorToData } from '@afield/protocol'
import { keepErrorCodes } from '../comlink-errors.js'
import type { EngineModel } from '../keeper/ports.js'
import { compileRuntime } from './compile.js'
import type { Answer, FromEngine, Question, ToEngine } from './messages.js'
import { Session, prepareRuntime } from './session.js'

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

function open({ runtime, supply }: Extract<ToEngine, { type: 'open' }>): void {
  const ready = prepareRuntime({ urls: runtime, module: compileRuntime(runtime.wasm) })
  // Whoever loads a model learns of the failure; until then nobody is there to tell.
  ready.catch(() => undefined)
  Comlink.expose(
    {
      load: async (model) => {
        await ready
        session = await Session.create(model)
      },
    } satisfies Supply,
    supply,
  )
}

async function answer(questions: readonly Question[]): Promise<void> {
  const answers = await (session ? session.predict(questions.map(({ record }) => record)) : [])
  const none = new AfieldError('engine/crashed', 'This engine has no model. Load it again.')
  postMessage({
    type: 'answers',
    answers: questions.map(({ id }, i): Answer => {
      const result = answers[i] ?? none
      return result instanceof AfieldError ? { id, error: errorToData(result) } : { id, outputs: result }
    }),
  } satisfies FromEngine)
}
