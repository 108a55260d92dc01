import { parseJson } from '../bytes.js'
import type { TokensText } from '../contract/text.js'
import { AfieldError } from '../errors.js'
import type { Assets } from './encoder.js'
import { invalidInput } from './refuse.js'
import type { Tokenizer } from './text.js'

/** A larger `tokenizer.json` is refused: reading it would take a phone's memory many times over. */
export const MAX_TOKENIZER_BYTES = 16 * 1024 * 1024

/** What is used of `@huggingface/tokenizers`, which the caller brings: this package stands on no tokenizer. */
export interface TokenizerLibrary {
  new (tokenizer: object, config: object): LibraryTokenizer
}

interface LibraryTokenizer {
  readonly post_processor: PostProcessor | null
  token_to_id(token: string): number | undefined
  encode(text: string, options: { readonly return_token_type_ids: boolean }): LibraryEncoding
}

interface PostProcessor {
  post_process(
    tokens: string[],
    pair: null,
    addSpecialTokens: boolean,
  ): { readonly tokens: readonly string[] }
}

interface LibraryEncoding {
  readonly ids: readonly unknown[]
  readonly token_type_ids?: readonly number[]
}

/** No vocabulary is asked for it: a post-processor only sets its special tokens around it. */
const PROBE = 'a text'

/**
 * Makes the tokenizer that a model was trained with from the model's own assets. As in training, a special token that
 * is written out in a text counts as one; how texts are cut and padded is the contract's to say, not the asset's.
 *
 * @throws AfieldError `descriptor/invalid` naming the asset that is missing, too large or no tokenizer.
 */
export function openTokenizer(
  Library: TokenizerLibrary,
  { tokenizer: file, tokenizerConfig }: TokensText,
  assets: Assets,
): Tokenizer {
  const definition = readAsset(assets, file)
  const config = tokenizerConfig === undefined ? {} : readAsset(assets, tokenizerConfig)
  if (!hasVocabulary(definition)) throw invalid(file, 'its model has no vocabulary of texts and ids')
  return naming(file, () => {
    const library = new Library(definition, config)
    // It reads its parts when it first needs them.
    library.encode(PROBE, { return_token_type_ids: true })
    return { special: specialTokens(library), encode: (text) => encode(library, text) }
  })
}

function encode(library: LibraryTokenizer, text: string): ReturnType<Tokenizer['encode']> {
  const { ids, token_type_ids: typeIds } = library.encode(text, { return_token_type_ids: true })
  if (!ids.every(isId)) {
    throw invalidInput('text', 'unknown', 'holds a character that the tokenizer has no token for')
  }
  return { ids, typeIds: typeIds ?? ids.map(() => 0) }
}

function isId(id: unknown): id is number {
  return Number.isInteger(id) && Number(id) >= 0 && Number(id) < 2 ** 31
}

/** The library takes anything for a vocabulary, and then knows no word. */
function hasVocabulary(definition: { readonly model?: { readonly vocab?: unknown } | null }): boolean {
  const vocab = definition.model?.vocab
  // Of Unigram, a list of texts and their scores; else an object of texts and their ids.
  if (Array.isArray(vocab)) return vocab.length > 0 && vocab.every(isScoredPiece)
  return typeof vocab === 'object' && vocab !== null && Object.values(vocab).every(isId)
}

function isScoredPiece(entry: unknown): boolean {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number'
}

function specialTokens(library: LibraryTokenizer): Tokenizer['special'] {
  const tokens = library.post_processor?.post_process([PROBE], null, true).tokens ?? [PROBE]
  const strange = tokens.find((token) => token !== PROBE && library.token_to_id(token) === undefined)
  if (strange !== undefined) throw new Error(`its special token ${JSON.stringify(strange)} has no id`)
  const before = tokens.indexOf(PROBE)
  if (before < 0) throw new Error('its post-processor drops the text')
  return { before, after: tokens.length - before - 1 }
}

function readAsset(assets: Assets, file: string): object {
  const bytes = Object.hasOwn(assets, file) ? assets[file] : undefined
  if (!bytes) throw invalid(file, 'the version has no such asset')
  if (bytes.length > MAX_TOKENIZER_BYTES) {
    throw invalid(file, `it has ${bytes.length} bytes, more than the ${MAX_TOKENIZER_BYTES} allowed`)
  }
  const value = parseJson(bytes, 'descriptor/invalid', file)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(file, 'it is no JSON object')
  }
  return value
}

function naming<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(file, `the tokenizer library cannot read it: ${reason}`, cause)
  }
}

function invalid(file: string, why: string, cause?: unknown): AfieldError {
  return new AfieldError('descriptor/invalid', `The asset ${file} is not valid: ${why}.`, {
    details: { file },
    ...(cause === undefined ? {} : { cause }),
  })
}
