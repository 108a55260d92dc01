import { AfieldError, type Afield, type Model } from 'afield'
import { MODEL, offerSupport } from '../device.js'
import { find } from '../element.js'
import { mountAnswer } from './answer-view.js'
import { mountBurst } from './burst.js'
import { mountEngine } from './engine.js'
import { mountProgram } from './program.js'

const RETRY_MS = 3000

export interface CodePane {
  /** Says which version serves now, so that the answer is asked for again when that changed. */
  follow(version: string | undefined): void
}

/** The program and its answer, which is asked for again whenever a number changes or another version took over. */
export function mountCode(root: HTMLElement, afield: Afield): CodePane {
  const answer = mountAnswer(root)
  const model = loadModel(afield, (error) => answer.showTrouble(error))
  let turn = 0
  /** The version that the shown answer came from, or was refused in place of. */
  let asked: string | undefined
  let followed: string | undefined

  const ask = async (): Promise<void> => {
    const mine = ++turn
    asked = followed
    try {
      const prediction = await (await model).predict(program.record())
      if (mine !== turn) return
      asked = prediction.backend === undefined ? followed : prediction.modelVersion
      program.mark(undefined)
      answer.show(prediction)
    } catch (error) {
      if (mine !== turn) return
      program.mark(error instanceof AfieldError ? String(error.details['field'] ?? '') : undefined)
      answer.showTrouble(error)
    }
  }
  const program = mountProgram(find(root, '.editor', HTMLElement), () => void ask())
  mountBurst(root, model)
  mountEngine(find(root, '#engine', HTMLElement), model)
  const first = ask()
  return {
    follow: (version) => {
      followed = version
      void first.then(() => {
        if (followed !== asked) return ask()
      })
    },
  }
}

/** Loads until it works: a first visit may come before the repository is up. */
async function loadModel(afield: Afield, onTrouble: (error: unknown) => void): Promise<Model> {
  for (;;) {
    try {
      return await afield.load(MODEL, { fallback: { answer: offerSupport } })
    } catch (error) {
      onTrouble(error)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
