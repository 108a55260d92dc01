import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { writeGraph, type GraphParts } from '../cli/onnx-graph.js'
import { startDevCommand, type DevCommand } from '../support/dev-command.js'

let browser: Browser
let dir: string
let dev: DevCommand | undefined

beforeAll(async () => {
  browser = await launchChromium()
})

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'afield-dev-kinds-'))
})

afterEach(async () => {
  dev?.process.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

afterAll(() => browser?.close())

async function open(parts: GraphParts, contract?: object): Promise<Page> {
  const model = await writeGraph(dir, parts)
  if (contract) await writeFile(join(dir, 'afield.config.json'), JSON.stringify({ name: 'model', contract }))
  dev = startDevCommand([model])
  const { url } = await dev.said()
  return browser.open(String(url))
}

const answerOn = (page: Page) => page.evaluate(() => document.getElementById('answer')?.textContent ?? '')

test('a picture is invited, drawn, answered, and cleared', async () => {
  const page = await open({
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 4, 8] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 3, 4, 8] }],
  })
  await expect.poll(() => answerOn(page), { timeout: 10_000 }).toBe('Draw something, or choose a picture.')
  const pad = await page.evaluate(() => {
    const { left, top, width, height } =
      document.querySelector('canvas')?.getBoundingClientRect() ?? new DOMRect()
    return { left, top, width, height }
  })
  expect(pad.width / pad.height).toBeCloseTo(2, 1)
  await page.drag([
    { x: pad.left + 20, y: pad.top + 20 },
    { x: pad.left + 200, y: pad.top + 90 },
  ])
  await expect.poll(() => answerOn(page)).toContain('float32[1, 3, 4, 8]')
  await page.evaluate(() => document.querySelector<HTMLButtonElement>('.field button')?.click())
  await expect.poll(() => answerOn(page)).toBe('Draw something, or choose a picture.')
}, 30_000)

test('a sound is invited rather than complained of', async () => {
  const page = await open(
    {
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 'T'] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 'T'] }],
    },
    {
      input: {
        kind: 'audio',
        tensor: 'x',
        layout: 'nt',
        sampleRate: 16_000,
        maxSeconds: 5,
        resample: 'reject',
      },
      outputs: [{ kind: 'tensor', name: 'y', tensor: 'y' }],
    },
  )
  await expect.poll(() => answerOn(page), { timeout: 10_000 }).toBe('Choose a recording, or make one.')
  expect(await page.evaluate(() => document.querySelectorAll('.error:not([hidden])').length)).toBe(0)
}, 30_000)

test('what may be left out can be: yes, no or nothing; one of a list, or none', async () => {
  const page = await open(
    {
      inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 2] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 2] }],
    },
    {
      input: {
        kind: 'record',
        tensor: 'x',
        fields: [
          { name: 'member', type: 'boolean', missing: { default: 7 } },
          { name: 'plan', type: 'enum', values: ['basic', 'pro'], missing: { default: 9 } },
        ],
      },
      outputs: [
        { kind: 'value', name: 'first', tensor: 'y', column: 0 },
        { kind: 'value', name: 'second', tensor: 'y', column: 1 },
      ],
    },
  )
  const ask = (values: readonly [string, string]) =>
    page.evaluate(([member, plan]) => {
      const [first, second] = document.querySelectorAll('select')
      if (!first || !second) throw new Error('There are no lists.')
      first.value = member
      second.value = plan
      document.getElementById('predict')?.click()
    }, values)
  const answers = () =>
    page.evaluate(() => [...document.querySelectorAll('[data-output]')].map(({ textContent }) => textContent))
  await expect.poll(answers, { timeout: 10_000 }).toHaveLength(2)
  await ask(['true', 'pro'])
  await expect.poll(answers).toEqual(['1', '1'])
  await ask(['', ''])
  await expect.poll(answers).toEqual(['7', '9'])
}, 30_000)
