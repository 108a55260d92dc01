import { byId } from './dom.js'

type Network = 'online' | 'offline' | 'unreachable'

const badge = byId('network', HTMLElement)
let repositoryReached = true
let filesKept = false
let modelServes = false

/** Says in the corner whether there is a network, and what that means here: little. */
export function watchNetwork(onBack: () => void): void {
  addEventListener('offline', show)
  addEventListener('online', () => {
    show()
    onBack()
  })
  show()
}

/** The page's files are on this device. */
export function noteFilesKept(): void {
  filesKept = true
  show()
}

export function noteModelServes(): void {
  modelServes = true
  show()
}

/** @param reached whether the last question to the repository got an answer. */
export function noteRepository(reached: boolean): void {
  repositoryReached = reached
  show()
}

function show(): void {
  const network = now()
  badge.dataset['network'] = network === 'online' ? 'online' : 'offline'
  const sentence = sentenceOf(network)
  badge.hidden = sentence === ''
  if (badge.textContent !== sentence) badge.textContent = sentence
}

function now(): Network {
  if (!navigator.onLine) return 'offline'
  return repositoryReached ? 'online' : 'unreachable'
}

function sentenceOf(network: Network): string {
  switch (network) {
    case 'offline':
      return 'Offline'
    case 'unreachable':
      return 'No updates reachable'
    case 'online':
      return filesKept && modelServes ? 'Works offline' : ''
  }
}
