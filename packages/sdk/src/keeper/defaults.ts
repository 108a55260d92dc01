/** A device looks for news this often, give or take a tenth. */
export const CHECK_EVERY_MS = 60 * 60 * 1000
