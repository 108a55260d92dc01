import type { ImageInput, InputKindCode } from '@afield/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from '../browser/browser.js'
import {
  difference,
  loadBuilt,
  sendableBytes,
  startInputsSite,
  vector,
  type InputsSite,
} from './support/inputs.js'

let site: InputsSite
let page: Page

beforeAll(async () => {
  site = await startInputsSite()
  page = site.page
}, 60_000)

afterAll(() => site?.close())

describe('a picture becomes the pixels that Pillow makes of it, given as', () => {
  const { input, data } = vector('bilinear, smaller')

  test('a PNG file', async () => {
    const encoded = await page.evaluate(
      async (contract) => encode('image', contract, await file('photo.png')),
      input,
    )
    expect(encoded.data).toEqual([...data])
  })

  test('an ImageBitmap, which stays the page’s own', async () => {
    const encoded = await page.evaluate(async (contract) => {
      const bitmap = await createImageBitmap(await file('photo.png'))
      return { ...(await encode('image', contract, bitmap)), kept: bitmap.width }
    }, input)
    expect(encoded).toMatchObject({ data: [...data], closed: true, kept: 37 })
  })

  test('an image element', async () => {
    const encoded = await page.evaluate(async (contract) => {
      const image = new Image()
      image.src = 'vectors/photo.png'
      await image.decode()
      // What the page shows it as is none of the model's business.
      image.width = 3
      return encode('image', contract, image)
    }, input)
    expect(encoded.data).toEqual([...data])
  })

  test.each(['canvas', 'OffscreenCanvas', 'ImageData', 'VideoFrame'] as const)('%s', async (kind) => {
    const encoded = await page.evaluate(
      async ({ contract, kind }) => {
        const bitmap = await createImageBitmap(await file('photo.png'))
        const { width, height } = bitmap
        const canvas = Object.assign(document.createElement('canvas'), { width, height })
        const offscreen = new OffscreenCanvas(width, height)
        const context = canvas.getContext('2d')
        if (!context) throw new Error('The canvas has no context.')
        context.drawImage(bitmap, 0, 0)
        offscreen.getContext('2d')?.drawImage(bitmap, 0, 0)
        const forms = {
          canvas: () => canvas,
          OffscreenCanvas: () => offscreen,
          ImageData: () => context.getImageData(0, 0, width, height),
          VideoFrame: () => new VideoFrame(bitmap, { timestamp: 0 }),
        }
        return encode('image', contract, forms[kind]())
      },
      { contract: input, kind },
    )
    expect(encoded).toMatchObject({ data: [...data], closed: kind !== 'ImageData' })
  })

  test('a video element', async () => {
    const encoded = await page.evaluate(async (contract) => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 })
      const context = canvas.getContext('2d')
      if (!context) throw new Error('The canvas has no context.')
      const paint = () => {
        context.fillStyle = 'rgb(200 100 50)'
        context.fillRect(0, 0, 64, 48)
      }
      const video = Object.assign(document.createElement('video'), { muted: true })
      video.srcObject = canvas.captureStream(30)
      const painting = setInterval(paint, 20)
      await video.play()
      clearInterval(painting)
      return encode('image', { ...contract, width: 1, height: 1 }, video)
    }, input)
    // Video has its colours at half the size and in other numbers.
    expect(difference(encoded, [200, 100, 50])).toBeLessThanOrEqual(4)
  })

  test('a file whose colours are see-through, over the background', async () => {
    for (const name of ['glass over black', 'glass over a colour']) {
      const { input, data } = vector(name)
      const encoded = await page.evaluate(
        async (contract) => encode('image', contract, await file('glass.png')),
        input,
      )
      expect(encoded.data).toEqual([...data])
    }
  })

  test('a file of few colours', async () => {
    const { input, data } = vector('a picture of few colours')
    const encoded = await page.evaluate(
      async (contract) => encode('image', contract, await file('palette.png')),
      input,
    )
    expect(encoded.data).toEqual([...data])
  })

  test('a JPEG file, turned as its camera was', async () => {
    const { input, data } = vector('a photograph that is turned')
    const encoded = await page.evaluate(
      async (contract) => encode('image', contract, await file('turned.jpg')),
      input,
    )
    expect(difference(encoded, data)).toBeLessThanOrEqual(2)
  })
})

describe('where there is no browser', () => {
  test('pixels are taken all the same', async () => {
    const code = (await loadBuilt('inputs/image.js'))['default'] as InputKindCode<ImageInput>
    const { image, input, dims, data } = vector('bilinear, smaller')
    const encoder = await code.createEncoder(input, {})
    expect(encoder.encode([await encoder.prepare(image)])).toEqual({ x: { dtype: 'uint8', dims, data } })
  })

  test.each([null, 'text', { hours: 3 }, Float32Array.of(1), new Blob(['x'])])(
    'what a worker can be sent is sent as it is',
    async (input) => {
      const { toSendable } = (await loadBuilt('router/sendable.js')) as {
        toSendable: (input: unknown) => unknown
      }
      expect(toSendable(input)).toBe(input)
    },
  )
})

test('the page’s part of it is small', async () => {
  expect(await sendableBytes()).toBeLessThanOrEqual(500)
})
