import { element } from './element.js'
import { count, days, duration, percent, roughPercent } from './format.js'
import { commonRange, latencyChart } from './latency-chart.js'

/**
 * @typedef {import('../dist/index.js').VersionReport} VersionReport
 * @typedef {import('../dist/index.js').PublishedVersion} PublishedVersion
 */

const COLUMNS = ['Version', 'Health', 'Answers', 'Success', 'p50', 'p95', 'p99', 'Latency']

const VERDICTS = {
  healthy: { mark: '●', text: 'Healthy' },
  unhealthy: { mark: '▲', text: 'Unhealthy' },
  insufficient: { mark: '○', text: 'Too little data' },
}

/**
 * One model's versions, newest first. The roles are spelt out because on a narrow screen the rows are laid out as
 * cards, and a browser forgets that a table with another `display` is one.
 *
 * @param {string} model
 * @param {VersionReport[]} versions
 * @param {number} cellFloor
 */
export function modelTable(model, versions, cellFloor) {
  const heading = `model-${model}`
  const range = commonRange(versions.map((version) => (version.withheld ? {} : version.latency)))
  const columns = COLUMNS.map((name) => element('th', { role: 'columnheader', scope: 'col' }, name))
  return element(
    'section',
    { class: 'model', 'aria-labelledby': heading },
    element('h2', { id: heading }, model),
    element(
      'table',
      { role: 'table', 'aria-labelledby': heading },
      element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, ...columns)),
      element(
        'tbody',
        { role: 'rowgroup' },
        ...versions.map((version) =>
          version.withheld ? withheldRow(version, cellFloor) : row(version, range),
        ),
      ),
    ),
  )
}

/** @param {PublishedVersion} version @param {import('./latency-chart.js').Range} range */
function row(version, range) {
  const { latencyMs } = version
  const at = (/** @type {'p50' | 'p95' | 'p99'} */ q) => (latencyMs ? duration(latencyMs[q]) : '–')
  return element(
    'tr',
    { role: 'row' },
    versionCell(version.version, days(version.firstDay, version.lastDay)),
    cell('Health', 'health', ...health(version.health)),
    cell('Answers', 'number', count(version.served), share(version.share)),
    cell(
      'Success',
      'number',
      version.successRate === null ? '–' : percent(version.successRate),
      errors(version.errors),
    ),
    cell('p50', 'number', at('p50')),
    cell('p95', 'number', at('p95')),
    cell('p99', 'number', at('p99')),
    cell('Latency', 'latency', ...latency(version, range)),
  )
}

/** @param {VersionReport} version @param {number} cellFloor */
function withheldRow({ version }, cellFloor) {
  const text = `Withheld until it has been used on ${count(cellFloor)} device-days.`
  return element(
    'tr',
    { role: 'row', class: 'withheld' },
    versionCell(version, ''),
    element('td', { role: 'cell', colspan: COLUMNS.length - 1 }, text),
  )
}

/** @param {string} version @param {string} below */
function versionCell(version, below) {
  return element('th', { role: 'rowheader', scope: 'row' }, version, ...small(below))
}

/** @param {string} label @param {string} name @param {...(Node | string)} children */
function cell(label, name, ...children) {
  return element('td', { role: 'cell', class: name, 'data-label': label }, element('div', {}, ...children))
}

/** @param {PublishedVersion['health']} verdict */
function health({ verdict, reasons }) {
  const { mark, text } = VERDICTS[verdict]
  const badge = element(
    'span',
    { class: `badge ${verdict}` },
    element('span', { 'aria-hidden': 'true' }, mark),
    text,
  )
  return verdict === 'healthy' ? [badge] : [badge, ...reasons.map(withUnits).flatMap(small)]
}

/** @param {number} share of the model's volume */
function share(share) {
  const text = `${roughPercent(share)} share`
  const bar = element('progress', { max: 1, value: share, 'aria-label': text })
  return element('span', { class: 'share' }, bar, ...small(text))
}

/** @param {PublishedVersion['errors']} errors */
function errors(errors) {
  const byCount = Object.entries(errors).sort(([, a], [, b]) => b - a)
  const items = byCount.map(([code, n]) => element('li', {}, `${count(n)} × `, element('code', {}, code)))
  return element('ul', { class: 'errors', role: 'list', 'aria-label': 'Errors' }, ...items)
}

/** @param {PublishedVersion} version @param {import('./latency-chart.js').Range} range */
function latency({ latency, latencyMs }, range) {
  if (!latencyMs) return small('None reported')
  const caption = `mean ${duration(latencyMs.mean)}, max ${duration(latencyMs.max)}`
  return [latencyChart(latency, latencyMs, range), ...small(caption)]
}

/** @param {string} text */
function small(text) {
  return text === '' ? [] : [element('small', {}, text)]
}

/** A number stays on the line of its unit. @param {string} text */
const withUnits = (text) => text.replace(/(\d) (%|ms)/g, '$1\u00a0$2')
