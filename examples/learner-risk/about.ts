import type { Explanation, StorageReport } from 'afield'
import { bytes } from './answer.js'
import { byId } from './dom.js'

const CONSENT = 'learner-risk consent'

const explanation = byId('explanation', HTMLElement)
const stored = byId('stored', HTMLElement)
const checked = byId('checked', HTMLElement)
const checkNow = byId('check', HTMLButtonElement)
const consent = byId('consent', HTMLInputElement)
const consentText = byId('consent-text', HTMLElement)

export function showDevice(why: Explanation, storage: StorageReport): void {
  explanation.textContent = why.sentence
  stored.textContent = describeStorage(storage)
}

export function showChecked(reached: boolean): void {
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  checked.textContent = reached
    ? `Looked for at ${time}.`
    : `Could not be looked for at ${time}; tried again by itself.`
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

/** @param collects false when this installation has nobody to send to. */
export function offerConsent(collects: boolean, onAnswer: (given: boolean) => void): void {
  consent.checked = collects && hasConsent()
  consent.disabled = !collects
  consentText.textContent = collects
    ? 'If you agree, the version, how often it answered, how fast, and error codes are sent every 15 minutes ' +
      'once there are 20 answers. Never your input, an answer, or anything that names you or this device.'
    : 'There is no collector here, so nothing can be sent.'
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
