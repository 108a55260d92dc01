import type { Explanation, StorageReport } from 'afield'
import { byId } from './dom.js'
import { bytes } from './format.js'

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
export function hasConsent(model: string): boolean {
  return localStorage.getItem(consentKey(model)) === 'yes'
}

export function offerConsent(model: string, onAnswer: (given: boolean) => void): void {
  consent.checked = hasConsent(model)
  consent.addEventListener('change', () => {
    if (consent.checked) localStorage.setItem(consentKey(model), 'yes')
    else localStorage.removeItem(consentKey(model))
    onAnswer(consent.checked)
  })
}

function consentKey(model: string): string {
  return `${model} consent`
}

function describeStorage({ kind, models, bytes: total }: StorageReport): string {
  const versions = models.flatMap((model) => model.versions)
  if (versions.length === 0) return 'Nothing yet.'
  const names = versions.map(({ version, role }) => (role === 'current' ? `${version} (in use)` : version))
  const place = kind === 'memory' ? '; this browser forgets it when the page closes' : ''
  return `Model ${names.join(', ')}: ${bytes(total)}${place}.`
}
