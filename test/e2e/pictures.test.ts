import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { AfieldOptions } from 'afield'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'
import { testApp } from '../support/app/test-app.js'

const CHECKOUT = join(import.meta.dirname, '..', '..')
const MODEL = join(CHECKOUT, 'examples', 'digit-reader', 'models', 'digit-reader-1.0.0.onnx')

declare global {
  /** A canvas with a bold 1 on it. */
  var drawOne: () => HTMLCanvasElement
}

let folder: string
let server: StaticServer
let browser: Browser
let page: Page

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-pictures-'))
  const repo = join(folder, 'repo')
  const { root } = await initRepository({ repo })
  await publish({ repo, model: MODEL, version: '1.0.0', author: 'Tests' })
  server = await startServer({ mounts: { '/app': testApp(), '/repo': repo } })
  browser = await launchChromium()
  page = await browser.open(`${server.url}/app/`)
  await page.evaluate(
    async (options: AfieldOptions) => {
      globalThis.afield = createAfield(options)
      globalThis.model = await afield.load('digit-reader')
      globalThis.drawOne = () => {
        const canvas = document.createElement('canvas')
        canvas.width = canvas.height = 64
        const context = canvas.getContext('2d')
        if (!context) throw new Error('This browser draws nothing.')
        context.fillRect(0, 0, 64, 64)
        context.fillStyle = '#fff'
        context.fillRect(28, 0, 12, 64)
        return canvas
      }
    },
    { repository: `${server.url}/repo/`, root: await readFile(root, 'utf8') },
  )
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

test('a canvas is read from the page to the answer, and is answered as its pixels are', async () => {
  const answers = await page.evaluate(async () => {
    const canvas = drawOne()
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, 64, 64)
    if (!pixels) throw new Error('The canvas has no pixels.')
    return Promise.all([canvas, pixels].map(async (input) => (await model.predict(input)).outputs['digit']))
  })
  expect(answers[0]).toMatchObject({ label: '1' })
  expect(answers[1]).toEqual(answers[0])
})

test('many canvases are asked together, and one that is 0 pixels wide fails alone', async () => {
  const seen = await page.evaluate(async () => {
    const empty = document.createElement('canvas')
    empty.width = 0
    const { results, failures } = await model.predictMany([drawOne(), empty, drawOne()], { rankBy: 'digit' })
    return {
      labels: results.map(({ index, outputs }) => [index, (outputs['digit'] as { label: string }).label]),
      failures: failures.map(({ index, error }) => ({ index, code: error.code, ...error.details })),
    }
  })
  expect(seen).toEqual({
    labels: [
      [0, '1'],
      [2, '1'],
    ],
    failures: [{ index: 1, code: 'input/invalid', field: 'image', problem: 'empty' }],
  })
})

test('the bitmaps that are made of canvases stay nowhere, also of one that nobody wants any more', async () => {
  const widths = await page.evaluate(async () => {
    const { createImageBitmap } = globalThis
    const made: ImageBitmap[] = []
    const giving = new AbortController()
    globalThis.createImageBitmap = async (...given: unknown[]) => {
      giving.abort()
      const bitmap = await (createImageBitmap as (...all: unknown[]) => Promise<ImageBitmap>)(...given)
      made.push(bitmap)
      return bitmap
    }
    const unwanted = model.predictMany([drawOne(), drawOne()], { signal: giving.signal })
    await Promise.allSettled([unwanted])
    await Promise.allSettled([model.predict(drawOne()), model.predictMany([drawOne(), drawOne()])])
    globalThis.createImageBitmap = createImageBitmap
    return made.map(({ width }) => width)
  })
  expect(widths).toEqual([0, 0, 0, 0])
})

test('a canvas of 50 megapixels is refused before anything is read of it', async () => {
  const refused = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 10_000, height: 5000 })
    const error: unknown = await model.predict(canvas).catch((cause: unknown) => cause)
    return error instanceof AfieldError && { code: error.code, ...error.details }
  })
  expect(refused).toEqual({ code: 'input/invalid', field: 'image', problem: 'too-large' })
})

test('an image of another site, which no page may read, is refused and says what to do', async () => {
  const other = await startServer({ mounts: { '/': join(CHECKOUT, 'test', 'protocol', 'vectors') } })
  const refused = await page.evaluate(async (src) => {
    const image = new Image()
    image.src = src
    await image.decode()
    const error: unknown = await model.predict(image).catch((cause: unknown) => cause)
    return error instanceof AfieldError && { code: error.code, message: error.message, ...error.details }
  }, `${other.url}/photo.png`)
  await other.close()
  expect(refused).toEqual({
    code: 'input/invalid',
    field: 'image',
    problem: 'malformed',
    message: expect.stringContaining('crossorigin="anonymous"') as string,
  })
  expect(await page.evaluate(async () => (await model.predict(drawOne())).outputs['digit'])).toMatchObject({
    label: '1',
  })
})

test('the benchmark asks for the picture of a golden vector', async () => {
  const report = await page.evaluate(() => model.benchmark({ samples: 20 }))
  expect(report).toMatchObject({ model: 'digit-reader', input: 'golden', samples: 20 })
  expect(report.latencyMs.p50).toBeGreaterThan(0)
})

test('what still becomes a bitmap when Afield is closed is answered too', async () => {
  const labels = await page.evaluate(async () => {
    const one = model.predict(drawOne())
    const many = model.predictMany([drawOne(), drawOne()])
    await afield.close()
    return [await one, ...(await many).results].map(
      ({ outputs }) => (outputs['digit'] as { label: string }).label,
    )
  })
  expect(labels).toEqual(['1', '1', '1'])
})
