/** What a page needs to count, and nothing that would come along with it. */
export { dayOf, type Day } from './day.js'
export { HIGHEST_BUCKET, LOWEST_BUCKET, bucketOf, record, type MutableHistogram } from './histogram.js'
