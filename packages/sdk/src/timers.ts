/** Ms that a browser's timers count to: one that is set for later fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1
