import type { Explanation, StorageReport } from 'afield'
import { bytes } from './answer.js'
import { byId } from './dom.js'

const CONSENT = 'learner-risk consent'

const explanation = byId('explanation', HTMLElement)
const stored = byId('stored', HTMLElement)
const checked = byId('checked', HTMLElement)
const checkNow = byId('check', HTMLButtonElement)
const consent = byId('consent', HTMLInputElement)

export async function showDevice(why: Explanation, storage: StorageReport): Promise<void> {
  explanation.textContent = why.sentence
  const { usage = 0 } = await navigator.storage.estimate()
  const all = usage > 0 ? ` This site in all, with its runtime: ${bytes(usage)}.` : ''
  stored.textContent = describeStorage(storage) + all
}

export function showChecked(reached: boolean): void {
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  checked.textContent = reached
    ? `Looked for at ${time}.`
    : `Not reachable at ${time}; tried again by itself.`
}

export function onCheckNow(look: () => Promise<void>): void {
  checkNow.addEventListener('click', () => {
    checkNow.disabled = true
    void look().finally(() => (checkNow.disabled = false))
  })
}

/** The user's answer, remembered on this device alone. No answer is a no. */
export function hasConsent(): boolean {
  return localStorage.getItem(CONSENT) === 'yes'
}

export function offerConsent(onAnswer: (given: boolean) => void): void {
  consent.checked = hasConsent()
  consent.addEventListener('change', () => {
    if (consent.checked) localStorage.setItem(CONSENT, 'yes')
    else localStorage.removeItem(CONSENT)
    onAnswer(consent.checked)
  })
}

function describeStorage({ kind, models, bytes: total }: StorageReport): string {
  const versions = models.flatMap((model) => model.versions)
  if (versions.length === 0) return 'Nothing yet.'
  const names = versions.map(({ version, role }) => (role === 'current' ? `${version} (in use)` : version))
  const place = kind === 'memory' ? '; this browser forgets it when the page closes' : ''
  return `Model ${names.join(', ')}: ${bytes(total)}${place}.`
}
