import csvUrl from './data/held-out.csv?url'
import spriteUrl from './data/held-out.png?url'

/** An image that the model was not trained on, what it shows, and what scikit-learn says of it. */
export interface HeldOut {
  readonly image: ImageData
  readonly label: string
  readonly predicted: string
  /** By digit. */
  readonly probabilities: readonly number[]
}

/** Pixels a side of an image in the sprite. */
const SIDE = 8

export async function loadHeldOut(): Promise<readonly HeldOut[]> {
  const [csv, sprite] = await Promise.all([fetched(csvUrl), fetched(spriteUrl)])
  const [, ...lines] = (await csv.text()).trim().split('\n')
  const cut = await cutter(await sprite.blob())
  return lines.map((line, i) => {
    const [label = '', predicted = '', ...probabilities] = line.split(',')
    return { image: cut(i), label, predicted, probabilities: probabilities.map(Number) }
  })
}

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} was answered with ${response.status}.`)
  return response
}

/** Cuts the images out of the sprite, row by row, as they were saved: without any management of colours. */
async function cutter(sprite: Blob): Promise<(image: number) => ImageData> {
  const bitmap = await createImageBitmap(sprite, { colorSpaceConversion: 'none' })
  const canvas = document.createElement('canvas')
  canvas.width = bitmap.width
  canvas.height = bitmap.height
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('This browser draws nothing on canvases.')
  context.drawImage(bitmap, 0, 0)
  const columns = bitmap.width / SIDE
  return (image) =>
    context.getImageData(SIDE * (image % columns), SIDE * Math.floor(image / columns), SIDE, SIDE)
}
