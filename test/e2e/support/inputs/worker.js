// @ts-check
addEventListener('message', async ({ data: { kind, contract, input } }) => {
  try {
    const { default: code } = await import(`./code/${kind}.js`)
    const encoder = await code.createEncoder(contract, {})
    const { x } = encoder.encode([await encoder.prepare(input)])
    postMessage({ dims: x.dims, data: Array.from(x.data) })
  } catch (error) {
    const { code, message, details } = /** @type {import('@afield/protocol').AfieldError} */ (error)
    postMessage({ error: { code, message, details } })
  }
})
