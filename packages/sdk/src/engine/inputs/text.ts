import { asAfieldError, AfieldError, textCode, type OpenTokenizer } from '@afield/protocol'

/**
 * Texts in an engine. A graph that takes the text itself needs no more than this; the tokenizer is a file of its own,
 * fetched for a model that ships one.
 */
export default textCode(async (input, assets, { tokenizer: url }) => {
  const open = await loadTokenizer(url)
  return open(input, assets, {})
})

async function loadTokenizer(url: string | undefined): Promise<OpenTokenizer> {
  if (url === undefined) {
    throw new AfieldError('platform/unsupported', 'This engine was not told where its tokenizer is.')
  }
  try {
    const module = (await import(/* @vite-ignore */ url)) as { readonly default: OpenTokenizer }
    return module.default
  } catch (cause) {
    throw asAfieldError(cause, 'engine/runtime-unavailable', `The tokenizer could not be loaded from ${url}`)
  }
}
