import { AfieldError } from 'afield'
import type { DevState } from '../src/dev/state.js'
import { answerView } from './answer.js'
import { contractView, todoView } from './contract-view.js'
import { Device } from './device.js'
import { byId, h } from './dom.js'
import { inputView, type InputView } from './inputs/input-view.js'
import { showRows } from './rows.js'

let device: Promise<Device> | undefined
let state: DevState | undefined
let view: InputView | undefined
/** States arrive faster than models load; each is followed after the one before it. */
let following: Promise<void> = Promise.resolve()
/** Counts questions: an answer that was overtaken is not shown. */
let asked = 0

const events = new EventSource('/events')
events.addEventListener('message', ({ data }: MessageEvent<string>) => {
  const next = JSON.parse(data) as DevState
  following = following.then(() => follow(next))
})
events.addEventListener('error', () =>
  say('The server has stopped. Start afield dev again, and this page goes on.'),
)

byId('input').addEventListener('submit', (event) => {
  event.preventDefault()
  void predict().then(() => document.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
})

async function follow(next: DevState): Promise<void> {
  if (state && state.run !== next.run) return location.reload()
  const before = state
  state = next
  showProblem(next.problem && `${next.problem.code}: ${next.problem.message}`)
  if (before?.build.version === next.build.version) {
    say(next.problem ? 'The last good version goes on serving' : 'Watching the files')
    return
  }
  show(next, before)
  say(`Loading ${next.build.version}`)
  try {
    device ??= Device.start(next.run)
    await (await device).follow(next.build.model, next.build.version)
    say('Watching the files')
    byId('explanation').textContent = await (await device).explain()
    await predictOrInvite()
    // The rows may take long, and the next change of a file should not wait for them.
    void answerRows(next)
  } catch (error) {
    // The next change of a file begins anew where even the start failed.
    if (!(await device?.catch(() => undefined))?.ready) device = undefined
    say('The model does not run')
    showProblem(wordsOf(error))
  }
}

function show({ build, modelFile, csvFile }: DevState, before: DevState | undefined): void {
  document.title = `${build.model} · afield dev`
  byId('model').replaceChildren(build.model, ' ', h('small', { id: 'version' }, build.version))
  byId('files').textContent = csvFile === undefined ? modelFile : `${modelFile} · ${csvFile}`
  byId('contract').replaceChildren(contractView(build))
  byId('todo').replaceChildren(todoView(build))
  const same = before?.build.contract.input.kind === build.contract.input.kind
  const kept = same ? view?.keep() : undefined
  if (before && JSON.stringify(before.build.contract) === JSON.stringify(build.contract)) return
  view = inputView(build.contract, () => void predictOrInvite())
  const example = build.rows[0]?.input ?? build.vectors[0]?.input
  if (example !== undefined) view.show(example)
  if (kept !== undefined) view.restore(kept)
  byId('fields').replaceChildren(view.element)
}

/** Nobody has asked yet, so an empty form is nothing to complain of. */
async function predictOrInvite(): Promise<void> {
  const invitation = view?.invitation()
  if (invitation === undefined) return predict()
  asked++
  byId('answer').replaceChildren(h('p', { class: 'soft' }, invitation))
}

async function predict(): Promise<void> {
  if (!state || !view) return
  const turn = ++asked
  view.complain(undefined)
  try {
    const answer = await (await device)?.ask(view.read(), true)
    if (answer && turn === asked)
      byId('answer').replaceChildren(answerView(answer, state.build.contract.outputs))
  } catch (error) {
    if (turn !== asked) return
    const field = error instanceof AfieldError ? error.details['field'] : undefined
    const message = error instanceof Error ? error.message : String(error)
    const shown = view.complain({ field: String(field), message })
    byId('answer').replaceChildren(
      h('p', { class: shown ? 'soft' : 'error' }, shown ? 'No answer: see the field.' : wordsOf(error)),
    )
  }
}

async function answerRows({ build }: DevState): Promise<void> {
  byId('rows-section').hidden = build.rows.length === 0
  const current = await device
  if (!current) return
  await showRows(byId('rows'), build.rows, {
    outputs: build.contract.outputs,
    ask: async (input) => (await current.ask(input)).outputs,
    current: () => state?.build.version === build.version,
    use: (input) => {
      view?.show(input)
      void predict()
      byId('answer').scrollIntoView({ block: 'nearest' })
    },
  })
}

function say(words: string): void {
  byId('live').textContent = words
}

function showProblem(words: string | undefined): void {
  byId('problem').hidden = words === undefined
  byId('problem').textContent = words ?? ''
}

function wordsOf(error: unknown): string {
  if (error instanceof AfieldError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
