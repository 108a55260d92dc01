import { element } from './element.js'
import { time } from './format.js'
import { modelTable } from './model-table.js'

/** @typedef {import('../dist/index.js').VersionsReport} VersionsReport */

const REFRESH_MS = 2_000
const TIMEOUT_MS = 10_000

/** The floor from which a cell names nobody in particular; below it the page says that it is a development one. */
const PUBLIC_FLOOR = 50

/** What is on the page now: an unchanged answer changes nothing, so a reader's place and selection stay. */
let shown = ''
/** @type {Date | undefined} */
let lastAnswer

/** @param {string} id */
function byId(id) {
  const node = document.getElementById(id)
  if (!node) throw new Error(`The page has no #${id}.`)
  return node
}

async function refresh() {
  try {
    const response = await fetch('/v1/versions', { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!response.ok) throw new Error(`The collector answered ${response.status}.`)
    show(await response.text())
  } catch (error) {
    showOutage(error)
  }
}

/** @param {string} body */
function show(body) {
  lastAnswer = new Date()
  setFreshness('live', `Updated ${time(lastAnswer)}`)
  setNotice('outage', '')
  if (body === shown) return
  /** @type {VersionsReport} */
  const report = JSON.parse(body)
  shown = body
  setNotice('development', report.cellFloor < PUBLIC_FLOOR ? developmentNotice(report.cellFloor) : '')
  byId('models').replaceChildren(...sections(report))
}

/** @param {VersionsReport} report */
function sections({ versions, cellFloor }) {
  const models = [...new Set(versions.map((version) => version.model))]
  if (models.length === 0) return [emptyState()]
  return models.map((model) => {
    const ofModel = versions.filter((version) => version.model === model)
    return modelTable(model, ofModel, cellFloor)
  })
}

function emptyState() {
  return element(
    'div',
    { class: 'empty' },
    element('h2', {}, 'No batches yet'),
    element('p', {}, 'The first one shows up here within seconds of its arrival.'),
    element('p', {}, 'Devices report once the app has switched telemetry on and named this collector.'),
  )
}

/** @param {unknown} error */
function showOutage(error) {
  const reason =
    error instanceof Error && error.message.startsWith('The collector')
      ? error.message
      : 'The collector does not answer.'
  const known = lastAnswer ? ` These numbers are from ${time(lastAnswer)}.` : ''
  setFreshness('lost', 'Not connected')
  setNotice('outage', `${reason}${known} Trying again every two seconds.`)
}

/** @param {number} floor */
function developmentNotice(floor) {
  const days = floor === 1 ? 'one device-day' : `${floor} device-days`
  return `Development setting: a version is shown from ${days} on. With real users, use ${PUBLIC_FLOOR}.`
}

/** @param {'live' | 'lost'} state @param {string} text */
function setFreshness(state, text) {
  const node = byId('freshness')
  if (node.dataset.state !== state) {
    const first = node.dataset.state === 'loading'
    node.dataset.state = state
    // Once per change: a reader does not want to hear the time every two seconds.
    if (!first || state === 'lost')
      byId('announcer').textContent = state === 'live' ? 'Connected again' : text
  }
  byId('freshness-text').textContent = text
}

/** @param {'development' | 'outage'} id @param {string} text nothing hides it */
function setNotice(id, text) {
  const node = byId(id)
  node.hidden = text === ''
  node.textContent = text
}

async function poll() {
  if (!document.hidden) await refresh()
  setTimeout(() => void poll(), REFRESH_MS)
}

document.addEventListener('visibilitychange', () => void (document.hidden || refresh()))
void poll()
