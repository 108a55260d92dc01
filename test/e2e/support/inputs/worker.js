// @ts-check
addEventListener('message', ({ data }) => void answer(data))

/** @param {{ kind: string, contract: unknown, input: unknown }} question */
async function answer({ kind, contract, input }) {
  try {
    const { default: code } = await import(`./code/${kind}.js`)
    const encoder = await code.createEncoder(contract, {})
    const { x } = encoder.encode([await encoder.prepare(input)])
    // Closed, they have no size left.
    const closed =
      input instanceof ImageBitmap ? input.width === 0 : input instanceof VideoFrame && input.codedWidth === 0
    postMessage({ dims: x.dims, data: Array.from(x.data), closed })
  } catch (error) {
    const { code, message, details } = /** @type {import('@afield/protocol').AfieldError} */ (error)
    postMessage({ error: { code, message, details } })
  }
}
