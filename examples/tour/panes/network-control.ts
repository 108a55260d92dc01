import { find, make, write } from '../element.js'
import type { NetworkSwitch } from '../network-switch.js'

/** The switch in the phone, and what it says about itself. */
export function mountNetworkControl(root: HTMLElement, network: Promise<NetworkSwitch>): void {
  const input = find(root, '#network', HTMLInputElement)
  const state = find(root, '#network-state', HTMLElement)
  const note = find(root, '#network-note', HTMLElement)
  const phone = find(root, '.frame', HTMLElement)

  const show = (on: boolean): void => {
    input.checked = on
    phone.dataset['network'] = on ? 'on' : 'off'
    write(state, on ? 'On' : 'Off')
    if (on) note.replaceChildren()
    else {
      const reload = make('button', { type: 'button', class: 'link' }, 'Reload offline')
      reload.addEventListener('click', () => location.reload())
      note.replaceChildren(
        'The service worker refuses this device’s requests, those of the SDK’s workers too. ',
        reload,
      )
    }
  }

  network.then(
    (gate) => {
      input.disabled = false
      show(gate.on)
      gate.subscribe(show)
      input.addEventListener('change', () => {
        gate.set(input.checked).catch((error: unknown) => {
          show(gate.on)
          write(note, `The switch did not work: ${String(error)}.`)
        })
      })
    },
    (error: unknown) => {
      write(state, 'On')
      write(
        note,
        `The switch is not available: ${error instanceof Error ? error.message : String(error)}. Everything else works.`,
      )
    },
  )
}
