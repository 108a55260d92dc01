import { Tokenizer } from '@huggingface/tokenizers'
import { openTokenizer, type OpenTokenizer } from '@afield/protocol'

/** The only code that holds the tokenizer library. */
const open: OpenTokenizer = (input, assets) => openTokenizer(Tokenizer, input, assets)

export default open
