import {
  audioKind,
  createCodec,
  imageKind,
  recordKind,
  tensorsKind,
  type Codec,
  type Contract,
  type Input,
  type InputKindCode,
} from '@afield/protocol'
import type { SourceFile } from './artifact.js'
import { textInputs } from './text.js'

/** The code for each kind of input: the same that devices run. */
const KINDS: Readonly<Record<Input['kind'], InputKindCode<Input>>> = {
  record: recordKind,
  tensors: tensorsKind,
  image: imageKind,
  audio: audioKind,
  text: textInputs,
}

/**
 * The codec of a contract, with the assets that are published with it.
 *
 * @throws AfieldError `descriptor/invalid` when an asset is missing or not what it should be.
 */
export async function codecOf(contract: Contract, files: readonly SourceFile[]): Promise<Codec> {
  const assets = files.flatMap((file) => (file.role === 'asset' ? [[file.path, file.bytes] as const] : []))
  return createCodec(contract, KINDS[contract.input.kind], { assets: Object.fromEntries(assets) })
}
