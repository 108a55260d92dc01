import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  parseWith,
  audioKind,
  imageKind,
  type AudioInput,
  type ImageInput,
  type PlainAudio,
  type PlainImage,
} from '@afield/protocol'

const VECTORS = join(import.meta.dirname, '..', 'vectors')

export interface ImageCase {
  readonly name: string
  /** Name of the picture, and of its file where it has one. */
  readonly source: string
  readonly image: PlainImage
  readonly input: ImageInput
  readonly dims: readonly number[]
  readonly data: Uint8Array
}

export interface AudioCase {
  readonly name: string
  readonly recording: PlainAudio
  readonly input: AudioInput
  readonly data: Float32Array
}

interface ImageFile {
  readonly sources: Readonly<
    Record<string, { readonly width: number; readonly height: number; readonly rgba: string }>
  >
  readonly cases: readonly {
    readonly name: string
    readonly source: string
    readonly input: unknown
    readonly dims: readonly number[]
    readonly data: string
  }[]
}

interface AudioFile {
  readonly cases: readonly {
    readonly name: string
    readonly sampleRate: number
    readonly channels: number
    readonly samples: string
    readonly input: unknown
    readonly data: string
  }[]
}

/** What `vectors/image_vectors.py` wrote with Pillow. */
export function imageCases(): readonly ImageCase[] {
  const { sources, cases } = read('image.json') as ImageFile
  return cases.map(({ name, source, input, dims, data }) => {
    const image = sources[source]
    if (!image) throw new Error(`image.json has no picture "${source}".`)
    const { width, height, rgba } = image
    return {
      name,
      source,
      image: { width, height, data: bytes(rgba) },
      input: imageInput(input),
      dims,
      data: bytes(data),
    }
  })
}

/** What `vectors/audio_vectors.py` wrote with SciPy. */
export function audioCases(): readonly AudioCase[] {
  const { cases } = read('audio.json') as AudioFile
  return cases.map(({ name, sampleRate, channels, samples, input, data }) => {
    const all = floats(samples)
    const length = all.length / channels
    return {
      name,
      recording: {
        sampleRate,
        samples: Array.from({ length: channels }, (_, i) => all.slice(i * length, (i + 1) * length)),
      },
      input: audioInput(input),
      data: floats(data),
    }
  })
}

export function imageInput(input: unknown): ImageInput {
  return parseWith(imageKind.schema, input, 'descriptor/invalid', 'The contract')
}

export function audioInput(input: unknown): AudioInput {
  return parseWith(audioKind.schema, input, 'descriptor/invalid', 'The contract')
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(VECTORS, file), 'utf8'))
}

/** In memory of their own, whose start is a multiple of every number's size. */
function bytes(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'))
}

function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer)
}
