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
let takeModule: (module: WebAssembly.Module | undefined) => void = () => undefined
const pageModule = new Promise<WebAssembly.Module | undefined>((resolve) => (takeModule = resolve))

addEventListener('message', ({ data }: MessageEvent<ToEngine>) => {
  if (data.type === 'predict') void answer(data.questions)
  else if (data.type === 'open') open(data)
  else takeModule(data.module)
})

function open({ runtime, supply }: Extract<ToEngine, { type: 'open' }>): void {
  const module = pageModule.then((compiled) => compiled ?? compileRuntime(runtime.wasm))
  const ready = prepareRuntime({ urls: runtime, module })
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
