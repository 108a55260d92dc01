/** About twice what it takes to wake a thread, in ms: who waits no longer than that is better off awake. */
export const AWAKE_MS = 0.2

/**
 * Keeps this thread's event loop turning for a moment after each call of {@link stay}, as a mutex spins before it
 * sleeps: a message that comes meanwhile is read at once, where a thread that sleeps has to be woken first, which takes
 * longer than the run of a small model. Each turn lets everything else that the thread has to do go first. Where a
 * browser lacks `scheduler.postTask`, or a device has one core, the thread sleeps as ever.
 */
export class Awake {
  readonly #isWanted: () => boolean
  #until = 0
  #isTurning = false

  /** @param isWanted whether anything is still waited for. */
  constructor(isWanted: () => boolean = () => true) {
    this.#isWanted = isWanted
  }

  /** For {@link AWAKE_MS} from now, or until nothing is waited for. */
  stay(): void {
    if (!globalThis.scheduler?.postTask || navigator.hardwareConcurrency < 2) return
    this.#until = performance.now() + AWAKE_MS
    if (this.#isTurning) return
    this.#isTurning = true
    this.#goOn()
  }

  readonly #turn = (): void => {
    if (this.#isWanted() && performance.now() < this.#until) return this.#goOn()
    this.#isTurning = false
  }

  #goOn(): void {
    void scheduler.postTask(this.#turn, { priority: 'background' })
  }
}
