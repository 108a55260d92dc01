import { openTokenizer, textCode } from '@afield/protocol'

/** Texts as a device takes them: the tokenizer library is loaded for models that ship a tokenizer. */
export const textInputs = textCode(async (input, assets) => {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  return openTokenizer(Tokenizer, input, assets)
})
