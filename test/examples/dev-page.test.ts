import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startDevCommand, type DevCommand } from '../support/dev-command.js'

const MODELS = fileURLToPath(new URL('../../examples/learner-risk/models', import.meta.url))

let dir: string
let dev: DevCommand
let browser: Browser
let page: Page

function see() {
  return page.evaluate(() => {
    const text = (selector: string): string => document.querySelector(selector)?.textContent ?? ''
    return {
      version: text('#version'),
      answers: Object.fromEntries(
        [...document.querySelectorAll<HTMLElement>('[data-output]')].map((one) => [
          one.dataset['output'] ?? '',
          one.textContent ?? '',
        ]),
      ),
      meta: text('#meta'),
      live: text('#live'),
      problem: text('#problem'),
      explanation: text('#explanation'),
      vectors: text('#vectors'),
      errors: [...document.querySelectorAll('.error:not([hidden])')].map(
        ({ textContent }) => textContent ?? '',
      ),
      fields: [...document.querySelectorAll<HTMLInputElement>('#fields [name]')].map(({ name, value }) => [
        name,
        value,
      ]),
      rows: [...document.querySelectorAll('#rows tbody tr')].map(
        (row) => row.querySelector('.answer')?.textContent ?? '',
      ),
      missing: [...document.querySelectorAll('#missing li code')].map(({ textContent }) => textContent ?? ''),
    }
  })
}

const settled = async (version: string) => {
  await expect.poll(async () => (await see()).meta, { timeout: 10_000 }).toContain(`version ${version}`)
  return see()
}

function fill(field: string, value: string): Promise<void> {
  return page.evaluate(
    ({ field, value }) => {
      const box = document.querySelector<HTMLInputElement>(`[name="${field}"]`)
      if (!box) throw new Error(`There is no field ${field}.`)
      box.value = value
      document.getElementById('predict')?.click()
    },
    { field, value },
  )
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'afield-dev-page-'))
  await copyFile(join(MODELS, 'learner-risk-1.0.0.onnx'), join(dir, 'model.onnx'))
  await writeFile(join(dir, 'rows.csv'), 'hours_studied,quiz_score,needs_support\n42.5,67,0\n3.5,42,1\n')
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  dev?.process.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

test('from the command to a prediction in the browser, within ten seconds', async () => {
  const started = performance.now()
  dev = startDevCommand([join(dir, 'model.onnx'), join(dir, 'rows.csv'), '--target', 'needs_support'])
  const { url } = await dev.said()
  page = await browser.open(String(url))
  const seen = await settled('0.0.1')
  const seconds = (performance.now() - started) / 1000
  console.log(`afield dev to a prediction in the browser: ${seconds.toFixed(1)} s`)
  expect(seconds).toBeLessThan(10)
  expect(seen.fields).toEqual([
    ['hours_studied', '42.5'],
    ['quiz_score', '67'],
  ])
  expect(Number(seen.answers['risk'])).toBeCloseTo(0.0505, 4)
  expect(seen.meta).toMatch(/^[\d.]+ ms · version 0\.0\.1 · wasm$/)
  expect(seen.vectors).toContain('own answers')
  expect(seen.missing).toContain('checklist.fallback')
  await expect.poll(async () => (await see()).rows).toEqual(['0.050505', '0.69932'])
  expect((await see()).explanation).toContain('model 0.0.1')
})

test('what does not fit is said at its field', async () => {
  await fill('quiz_score', '')
  await expect.poll(async () => (await see()).errors).toEqual(['"quiz_score" is missing.'])
  await fill('quiz_score', '50')
  await expect.poll(async () => (await see()).errors).toEqual([])
})

test('another model in its place serves within about a second, and what was typed stays', async () => {
  const started = performance.now()
  await copyFile(join(MODELS, 'learner-risk-2.0.0.onnx'), join(dir, 'model.onnx'))
  expect(await dev.said()).toMatchObject({ version: '0.0.2' })
  console.log(`afield dev, a file changed to published: ${Math.round(performance.now() - started)} ms`)
  const seen = await settled('0.0.2')
  expect(seen.fields).toEqual([
    ['hours_studied', '42.5'],
    ['quiz_score', '50'],
  ])
  expect(performance.now() - started).toBeLessThan(5000)
})

test('a config that is edited is followed, also where the contract changes', async () => {
  const path = join(dir, 'afield.config.json')
  const config = JSON.parse(await readFile(path, 'utf8')) as {
    contract: { input: { fields: object[] }; outputs: object[] }
  }
  Object.assign(config.contract.input.fields[1] ?? {}, { min: 0, max: 100, unit: 'points' })
  config.contract.outputs.push({ kind: 'decision', name: 'needs_support', of: 'risk', threshold: 0.5 })
  await writeFile(path, JSON.stringify(config))
  expect(await dev.said()).toMatchObject({ version: '0.0.3' })
  const seen = await settled('0.0.3')
  expect(seen.answers['needs_support']).toBe('no')
  expect(seen.fields).toEqual([
    ['hours_studied', '42.5'],
    ['quiz_score', '50'],
  ])
  await fill('quiz_score', '101')
  await expect.poll(async () => (await see()).errors).toEqual(['"quiz_score" must be between 0 and 100.'])
  await fill('quiz_score', '50')
})

test('a file that is broken is said on the page and in the terminal, and the last good model serves', async () => {
  await writeFile(join(dir, 'model.onnx'), 'not a model')
  expect(await dev.said()).toMatchObject({ error: { code: 'graph/invalid' } })
  await expect.poll(async () => (await see()).problem).toContain('model.onnx is not an ONNX model')
  await fill('hours_studied', '0')
  await expect.poll(async () => (await see()).answers['needs_support']).toBe('yes')
  expect((await see()).meta).toContain('version 0.0.3')

  await copyFile(join(MODELS, 'learner-risk-1.0.0.onnx'), join(dir, 'model.onnx'))
  expect(await dev.said()).toMatchObject({ model: 'model' })
  await expect.poll(async () => (await see()).problem).toBe('')
})

test('it fits a phone in both colour schemes, and every control has a name', async () => {
  await page.resize(360, 740)
  await page.colourScheme('dark')
  const found = await page.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - innerWidth,
    unnamed: [...document.querySelectorAll<HTMLInputElement>('input, select, textarea')].filter(
      ({ labels, ariaLabel }) => !labels?.length && !ariaLabel,
    ).length,
    background: getComputedStyle(document.body).backgroundColor,
  }))
  expect(found).toEqual({ overflow: 0, unnamed: 0, background: 'rgb(16, 18, 20)' })
})

test('Ctrl-C ends it in order', async () => {
  const exit = once(dev.process, 'exit')
  dev.process.kill('SIGINT')
  expect(await exit).toEqual([0, null])
})
