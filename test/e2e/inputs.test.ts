import type { ImageInput, InputKindCode } from '@afield/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { audioCases, imageCases, type ImageCase } from '../protocol/support/vectors.js'
import { loadBuilt, sendableBytes, startInputsSite, type Encoded, type InputsSite } from './support/inputs.js'

let site: InputsSite
let browser: Browser
let page: Page

beforeAll(async () => {
  site = await startInputsSite()
  browser = await launchChromium()
  page = await browser.open(site.url)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

function vector(name: string): ImageCase {
  const found = imageCases().find((one) => one.name === name)
  if (!found) throw new Error(`There is no vector "${name}".`)
  return found
}

/** The largest difference of two pixels; `NaN` when there are not as many. */
function difference({ data = [] }: Encoded, expected: ArrayLike<number>): number {
  if (data.length !== expected.length) return Number.NaN
  return Math.max(...data.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))
}

function refusal(problem: string, message: string) {
  return {
    error: {
      code: 'input/invalid',
      details: { field: expect.stringMatching(/^(image|audio)$/), problem },
      message: expect.stringContaining(message),
    },
  }
}

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

describe('refused, naming the image', () => {
  const { input } = vector('bilinear, smaller')

  test.each([
    ['a canvas of 0 × 0', 'canvas'],
    ['an image that has not loaded', 'img'],
    ['a video that has not loaded', 'video'],
  ])('%s', async (_, tag) => {
    const encoded = await page.evaluate(
      async ({ contract, tag }) => {
        const element = Object.assign(document.createElement(tag), { width: 0, height: 0 })
        return encode('image', contract, element)
      },
      { contract: input, tag },
    )
    expect(encoded).toEqual(refusal('empty', '"image" is 0 pixels wide or high'))
  })

  test('33 megapixels', async () => {
    const encoded = await page.evaluate(async (contract) => {
      const canvas = new OffscreenCanvas(8250, 4000)
      canvas.getContext('2d')
      return encode('image', contract, canvas.transferToImageBitmap())
    }, input)
    expect(encoded).toEqual(refusal('too-large', '32 megapixels'))
  })

  test.each(['png', 'jpeg', 'webp'])(
    'a %s file of 50 megapixels, which is not even decoded',
    async (format) => {
      const encoded = await page.evaluate(
        async ({ contract, format }) => {
          const canvas = new OffscreenCanvas(8, 8)
          canvas.getContext('2d', { alpha: false })
          const view = new DataView(
            await (await canvas.convertToBlob({ type: `image/${format}` })).arrayBuffer(),
          )
          const find = (marker: number) => {
            for (let at = 0; ; at++) if (view.getUint16(at) === marker) return at
          }
          if (format === 'png') view.setUint32(16, 10_000)
          if (format === 'png') view.setUint32(20, 5000)
          if (format === 'jpeg') view.setUint16(find(0xffc0) + 5, 5000)
          if (format === 'jpeg') view.setUint16(find(0xffc0) + 7, 10_000)
          if (format === 'webp') view.setUint16(26, 10_000, true)
          if (format === 'webp') view.setUint16(28, 5000, true)
          return encode('image', contract, new File([view], `large.${format}`))
        },
        { contract: input, format },
      )
      expect(encoded).toEqual(refusal('too-large', '32 megapixels'))
    },
  )

  test.each([
    ['a text named .png', ['not a picture']],
    ['a picture that breaks off', ['\x89PNG\r\n\x1a\n']],
  ])('%s', async (_, parts) => {
    const encoded = await page.evaluate(
      async ({ contract, parts }) =>
        encode('image', contract, new File(parts, 'cat.png', { type: 'image/png' })),
      { contract: input, parts },
    )
    expect(encoded).toEqual(refusal('malformed', '"image" is not a picture that this browser can decode'))
  })

  test('an empty file', async () => {
    const encoded = await page.evaluate(
      async (contract) => encode('image', contract, new File([], 'cat.png')),
      input,
    )
    expect(encoded).toEqual(refusal('empty', 'file of 0 bytes'))
  })

  test('an image whose file is broken', async () => {
    const encoded = await page.evaluate(async (contract) => {
      const image = new Image()
      image.src = 'data:image/png;base64,bm90IGEgcGljdHVyZQ=='
      await image.decode().catch(() => undefined)
      return encode('image', contract, image)
    }, input)
    expect(encoded).toEqual(refusal('empty', 'wait until it has loaded'))
  })

  test.each([
    ['a record', { pixels: 3 }],
    ['a text', 'cat.png'],
  ])('%s', async (_, value) => {
    const encoded = await page.evaluate(async ({ contract, value }) => encode('image', contract, value), {
      contract: input,
      value,
    })
    expect(encoded).toEqual(refusal('mistyped', '"image" takes'))
  })
})

describe('an AudioBuffer', () => {
  const { input, recording, data } = audioCases().find(({ name }) => name === 'all of it') ?? {}

  const encodeBuffer = (contract: typeof input): Promise<Encoded> =>
    page.evaluate(
      async ({ contract, sampleRate, channels }) => {
        if (!contract) throw new Error('There is no such vector.')
        const buffer = new AudioBuffer({
          sampleRate,
          numberOfChannels: channels.length,
          length: channels[0]?.length ?? 0,
        })
        channels.forEach((samples, i) => buffer.copyToChannel(Float32Array.from(samples), i))
        const encoded = await encode('audio', contract, buffer)
        return { ...encoded, kept: buffer.getChannelData(0).length === channels[0]?.length }
      },
      {
        contract,
        sampleRate: recording?.sampleRate ?? 0,
        channels: [recording?.samples ?? []].flat().map((samples) => [...samples]),
      },
    )

  test('becomes the samples that librosa makes of it, and stays the page’s own', async () => {
    const encoded = await encodeBuffer(input)
    expect(encoded).toMatchObject({ dims: [1, 150], kept: true })
    expect(difference(encoded, data ?? [])).toBeLessThanOrEqual(1e-6)
  })

  test('at another rate is refused where the contract says so, with both rates and what to do', async () => {
    const encoded = await encodeBuffer(input && { ...input, resample: 'reject' })
    expect(encoded).toMatchObject(refusal('rate', 'has 44100 samples a second and this model takes 16000'))
    expect(encoded.error?.message).toContain('new AudioContext({ sampleRate: 16000 })')
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
