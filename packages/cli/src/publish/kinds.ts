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
import { CliError } from '../errors.js'
import type { SourceFile } from './artifact.js'

/** The code for each kind of input: the same that devices run. */
const KINDS: Partial<Record<Input['kind'], InputKindCode<Input>>> = {
  record: recordKind,
  tensors: tensorsKind,
  image: imageKind,
  audio: audioKind,
}

/**
 * The codec of a contract, with the assets that are published with it.
 *
 * @throws CliError `contract/mismatch` for a kind that cannot be replayed; AfieldError `descriptor/invalid` when an
 *   asset is missing or not what it should be.
 */
export async function codecOf(contract: Contract, files: readonly SourceFile[]): Promise<Codec> {
  const { kind } = contract.input
  const code = KINDS[kind]
  if (!code) throw new CliError('contract/mismatch', `Models of kind "${kind}" cannot be published yet.`)
  const assets = files.flatMap((file) => (file.role === 'asset' ? [[file.path, file.bytes] as const] : []))
  return createCodec(contract, code, { assets: Object.fromEntries(assets) })
}
