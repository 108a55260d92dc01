import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from '../browser/browser.js'
import { refusal, startInputsSite, vector, type InputsSite } from './support/inputs.js'

let site: InputsSite
let page: Page

beforeAll(async () => {
  site = await startInputsSite()
  page = site.page
}, 60_000)

afterAll(() => site?.close())

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
