import { createAfield, type Afield, type AfieldOptions, type FallbackOptions } from 'afield'
import { retryModel, useModel, useSuspenseModel, type ModelState } from 'afield/react'
import { Component, StrictMode, Suspense, createElement, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'

/** What tests reach from outside through `page.evaluate`. */
declare global {
  var afield: Afield
  /** What each load was asked with. */
  var loads: { readonly aborted: () => boolean }[]
  /** What the components were shown, in order, without repeats. */
  var seen: string[]
  /** Shows the model in so many components, inside `<StrictMode>`. */
  var show: (options: AfieldOptions, components: number) => void
  /** Shows fewer or more of them. */
  var showAgain: (components: number) => void
  var showSuspended: (options: AfieldOptions) => void
  var press: () => void
  /** What answers in the model's place, if anything does. */
  var fallback: FallbackOptions | undefined
  /** Awaited when a load is done, before a component hears of it. */
  var afterLoad: (() => Promise<void>) | undefined
}

const root = createRoot(document.querySelector('#app') ?? document.body)
globalThis.loads = []
globalThis.seen = []

/** The real thing, with a note of each load. */
function noted(options: AfieldOptions): Afield {
  const afield = createAfield(options)
  const load = afield.load.bind(afield)
  afield.load = async (name, given = {}) => {
    globalThis.loads.push({ aborted: () => given.signal?.aborted ?? false })
    const model = await load(name, given)
    await globalThis.afterLoad?.()
    return model
  }
  globalThis.afield = afield
  return afield
}

function say(state: ModelState): string {
  switch (state.status) {
    case 'loading':
      return state.progress ? 'progress' : 'loading'
    case 'ready':
      return `ready ${state.version}`
    case 'failed':
      return `failed ${state.error.code}`
  }
}

function Risk(): ReactNode {
  const { fallback } = globalThis
  const state = useModel(globalThis.afield, 'learner-risk', fallback ? { fallback } : {})
  const said = say(state)
  if (globalThis.seen.at(-1) !== said) globalThis.seen.push(said)
  globalThis.press = () => {
    if (state.status === 'failed') state.retry()
  }
  return createElement('p', {}, said)
}

globalThis.show = (options, components) => {
  noted(options)
  globalThis.showAgain(components)
}
globalThis.showAgain = (components) => {
  const all = Array.from({ length: components }, (_, key) => createElement(Risk, { key }))
  root.render(createElement(StrictMode, {}, all))
}

function SuspendedRisk(): ReactNode {
  return createElement('p', {}, say(useSuspenseModel(globalThis.afield, 'learner-risk')))
}

class Boundary extends Component<{ readonly children: ReactNode }, { readonly code: string | undefined }> {
  override state = { code: undefined as string | undefined }
  static getDerivedStateFromError(error: { readonly code: string }) {
    return { code: error.code }
  }
  override render(): ReactNode {
    globalThis.press = () => {
      retryModel(globalThis.afield, 'learner-risk')
      this.setState({ code: undefined })
    }
    return this.state.code === undefined
      ? this.props.children
      : createElement('p', {}, `caught ${this.state.code}`)
  }
}

globalThis.showSuspended = (options) => {
  noted(options)
  const fallback = createElement('p', {}, 'waiting')
  const inner = createElement(Suspense, { fallback }, createElement(SuspendedRisk))
  root.render(createElement(StrictMode, {}, createElement(Boundary, { children: inner })))
}
