import { AfieldError, type Afield, type Explanation } from 'afield'
import type { DeviceSnapshot } from '../device-watch.js'
import { find, highlight, make, write } from '../element.js'
import { formatAge } from '../format.js'
import { glyph, setGlyph } from '../glyph.js'
import type { NetworkSwitch } from '../network-switch.js'
import { showTelemetry } from './batch-view.js'
import { mountNetworkControl } from './network-control.js'
import { showStorage } from './storage-view.js'

export interface PhonePane {
  show(snapshot: DeviceSnapshot): void
}

/** This browser as one device: network, version, reason, storage, telemetry. */
export function mountPhone(root: HTMLElement, afield: Afield, network: Promise<NetworkSwitch>): PhonePane {
  mountNetworkControl(root, network)
  const showVersion = mountVersion(find(root, '.running', HTMLElement))
  const sentence = find(root, '#sentence', HTMLElement)
  const stored = find(root, '.stored-list', HTMLElement)
  const counts = find(root, '.counts', HTMLElement)
  const batches = find(root, '.batches', HTMLElement)
  const lastCheck = mountCheck(root, afield)

  return {
    show({ explanation, storage, telemetry }) {
      showVersion(explanation)
      write(sentence, explanation?.sentence.replaceAll(' %', '\u00a0%') ?? 'No model is on this device yet.')
      showStorage(stored, storage, explanation?.failures.map(({ version }) => version) ?? [])
      showTelemetry(counts, batches, telemetry)
      lastCheck(explanation?.lastCheck)
    },
  }
}

function mountVersion(root: HTMLElement): (explanation: Explanation | undefined) => void {
  const mark = glyph(undefined)
  const version = make('span', { class: 'running-version' }, '–')
  const label = make('p', { class: 'running-label' })
  root.append(make('p', { class: 'running-line' }, mark, version), label)
  return (explanation) => {
    const shown = explanation?.version ?? 'none'
    if (version.textContent !== shown) {
      write(version, shown)
      setGlyph(mark, explanation?.version)
      highlight(root)
    }
    write(label, explanation ? describe(explanation) : 'starting')
  }
}

function describe({ model, version, arm, backend }: Explanation): string {
  if (version === undefined) return `${model} · nothing serves`
  return [model, arm, backend].filter((part) => part !== undefined).join(' · ')
}

/** The button, and when and how the last look for news ended. */
function mountCheck(root: HTMLElement, afield: Afield): (last: Explanation['lastCheck']) => void {
  const button = find(root, '#check', HTMLButtonElement)
  const text = find(root, '#last-check', HTMLElement)
  button.addEventListener('click', () => {
    button.ariaBusy = 'true'
    afield
      .check()
      .catch((error: unknown) => write(text, error instanceof AfieldError ? error.code : String(error)))
      .finally(() => (button.ariaBusy = 'false'))
  })
  return (last) => {
    if (!last) return write(text, 'Not looked for news yet')
    const age = formatAge(Date.now() - last.at)
    text.classList.toggle('alarm', last.error !== undefined)
    write(text, last.error === undefined ? `Checked ${age}` : `${last.error}, ${age}`)
  }
}
