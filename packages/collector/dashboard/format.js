const whole = new Intl.NumberFormat('en-GB')
const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumSignificantDigits: 3 })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** @param {number} count */
export const count = (count) => (count < 1e6 ? whole.format(count) : short.format(count))

/** A share of 1 as a percentage; never rounded up to a perfect 100 %. @param {number} share */
export function percent(share) {
  const floored = Math.floor(share * 1e4 + 1e-6) / 100
  return `${floored.toFixed(floored === 100 || floored === 0 ? 0 : 2)} %`
}

/** A share of volume, coarsely. @param {number} share */
export function roughPercent(share) {
  if (share > 0 && share < 0.01) return '<1 %'
  return `${Math.round(share * 100)} %`
}

/** Milliseconds with three figures, in seconds from one second on. @param {number} ms */
export function duration(ms) {
  if (ms >= 1000) return `${figures(ms / 1000)} s`
  if (ms < 0.01) return '<0.01 ms'
  return `${figures(ms)} ms`
}

/** @param {number} value */
function figures(value) {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** @param {string} first @param {string} last days as YYYY-MM-DD */
export function days(first, last) {
  const from = dayAndMonth.format(new Date(first))
  return first === last ? from : `${from} – ${dayAndMonth.format(new Date(last))}`
}

/** @param {Date} date */
export const time = (date) => clock.format(date)
