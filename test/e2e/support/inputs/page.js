// @ts-check
/** Bundled by the test. */
const SENDABLE = './built/sendable.js'

const worker = new Worker('worker.js', { type: 'module' })

Object.assign(globalThis, {
  /**
   * Sends an input to the worker as `predict` would, and resolves with the tensor or the error that it became.
   *
   * @param {string} kind
   * @param {unknown} contract
   * @param {unknown} input
   */
  async encode(kind, contract, input) {
    try {
      const { toSendable } = await import(SENDABLE)
      const sendable = await toSendable(input)
      const answer = new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = reject
      })
      worker.postMessage({ kind, contract, input: sendable })
      return await answer
    } catch (error) {
      const { code, message, details } = /** @type {import('@afield/protocol').AfieldError} */ (error)
      return { error: { code, message, details } }
    }
  },

  /** @param {string} name */
  async file(name) {
    return new File([await (await fetch(`vectors/${name}`)).blob()], name)
  },
})
