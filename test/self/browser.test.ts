import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Browser, Page } from '../browser/browser.js'
import { launchChromium } from '../browser/chromium.js'
import { startServer, type StaticServer } from '../servers/static.js'

const FILES = {
  'index.html': '<!doctype html><meta name="color-scheme" content="light dark"><title>A page</title>',
  'strict.html':
    '<!doctype html><meta http-equiv="content-security-policy" content="default-src \'self\'"><title>Strict</title>',
  'worker.js': `onmessage = ({ data }) => fetch(data).then(
    async (response) => { console.log('fetched'); postMessage(await response.text()) },
    (error) => postMessage(error.name))`,
  'service.js': `oninstall = (event) => event.waitUntil(fetch('asked-by-service.txt'))
    onmessage = ({ data, ports: [port] }) => fetch(data, { cache: 'no-store' }).then(
      async (response) => port.postMessage(await response.text()),
      (error) => port.postMessage(error.name))`,
  'answer.txt': '42',
  'asked-by-service.txt': '',
}

let folder: string
let server: StaticServer
let browser: Browser
let page: Page

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afield-browser-'))
  await mkdir(join(folder, 'site'))
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, 'site', name), text)
  server = await startServer({ mounts: { '/': join(folder, 'site') } })
  browser = await launchChromium()
})

beforeEach(async () => {
  page = await browser.open()
})

afterEach(async () => {
  await page.close()
})

afterAll(async () => {
  await browser.close()
  await server.close()
  await rm(folder, { recursive: true })
})

test('a page evaluates functions and expressions, awaits promises and passes JSON both ways', async () => {
  await page.goto(server.url)
  expect(await page.evaluate(() => document.title)).toBe('A page')
  expect(await page.evaluate('document.title')).toBe('A page')
  expect(
    await page.evaluate(({ base }) => fetch(base).then(({ ok }) => [ok, null]), { base: '/answer.txt' }),
  ).toEqual([true, null])
  expect(
    await page.evaluate(async () => {
      const double = (value: number) => value * 2
      return double(await Promise.resolve(21))
    }),
  ).toBe(42)
})

test('what a page throws comes back as an error with its message', async () => {
  await expect(
    page.evaluate(() => {
      throw new RangeError('out of range')
    }),
  ).rejects.toThrow('out of range')
  await expect(page.evaluate(() => Promise.reject(new Error('late')))).rejects.toThrow('late')
})

test('evaluation works under a strict content security policy', async () => {
  await page.goto(`${server.url}/strict.html`)
  expect(await page.evaluate((suffix) => document.title + suffix, '!')).toBe('Strict!')
})

const askWorker = (url: string) =>
  new Promise<string>((resolve) => {
    const worker = new Worker('/worker.js')
    worker.onmessage = ({ data }) => resolve(String(data))
    worker.postMessage(url)
  })

test('console lines and uncaught errors are heard, from workers too', async () => {
  const lines: string[] = []
  page.onConsole(({ level, text }) => lines.push(`${level}: ${text}`))
  await page.goto(server.url)
  await page.evaluate(() => console.warn('careful'))
  await page.evaluate(() => void setTimeout(() => void Promise.reject(new Error('nobody listens'))))
  await page.evaluate(askWorker, '/answer.txt')
  await expect
    .poll(() => lines)
    .toEqual(expect.arrayContaining(['warn: careful', 'uncaught: nobody listens', 'log: fetched']))
})

test('requests of the page, its workers and its service worker are seen', async () => {
  const paths: string[] = []
  page.onRequest(({ url }) => paths.push(new URL(url).pathname))
  await page.goto(server.url)
  expect(await page.evaluate(askWorker, '/answer.txt')).toBe('42')
  await page.evaluate(async () => {
    await navigator.serviceWorker.register('/service.js')
    await navigator.serviceWorker.ready
  })
  await expect
    .poll(() => paths)
    .toEqual(
      expect.arrayContaining(['/', '/worker.js', '/answer.txt', '/service.js', '/asked-by-service.txt']),
    )
})

test('offline reaches pages and workers, and ends', async () => {
  await page.goto(server.url)
  await browser.setOffline(true)
  expect(await page.evaluate(() => navigator.onLine)).toBe(false)
  expect(
    await page.evaluate(() => fetch('/answer.txt', { cache: 'no-store' }).catch(() => 'no network')),
  ).toBe('no network')
  await browser.setOffline(false)
  expect(await page.evaluate(() => navigator.onLine)).toBe(true)
  expect(await page.evaluate(askWorker, '/answer.txt')).toBe('42')
})

test('offline reaches a worker that is already running', async () => {
  await page.goto(server.url)
  await page.evaluate(() => void Object.assign(globalThis, { worker: new Worker('/worker.js') }))
  const ask = () =>
    page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const { worker } = globalThis as unknown as { worker: Worker }
          worker.onmessage = ({ data }) => resolve(data)
          worker.postMessage(url)
        }),
      '/answer.txt?worker',
    )
  expect(await ask()).toBe('42')
  await browser.setOffline(true)
  expect(await ask()).toBe('TypeError')
  await browser.setOffline(false)
  expect(await ask()).toBe('42')
})

test('offline reaches the service worker', async () => {
  await page.goto(server.url)
  await page.evaluate(() => navigator.serviceWorker.register('/service.js').then(() => undefined))
  const ask = () =>
    page.evaluate(async (url) => {
      const { active } = await navigator.serviceWorker.ready
      const { port1, port2 } = new MessageChannel()
      active?.postMessage(url, [port2])
      return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)))
    }, '/answer.txt')
  expect(await ask()).toBe('42')
  await browser.setOffline(true)
  expect(await ask()).toBe('TypeError')
  await browser.setOffline(false)
  expect(await ask()).toBe('42')
})

test('size and colour scheme are what the test wants', async () => {
  await page.goto(server.url)
  await page.resize(390, 844)
  await page.colourScheme('dark')
  expect(await page.evaluate(() => [innerWidth, innerHeight])).toEqual([390, 844])
  expect(await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)).toBe(true)
  await page.screenshot(join(folder, 'page.png'))
  expect((await readFile(join(folder, 'page.png'))).subarray(1, 4).toString()).toBe('PNG')
})

test('a reload runs the page again', async () => {
  await page.goto(server.url)
  await page.evaluate(() => (document.title = 'changed'))
  await page.reload()
  expect(await page.evaluate(() => document.title)).toBe('A page')
})

test('a killed page is gone and the rest of the browser lives', async () => {
  const victim = await browser.open(server.url)
  await victim.kill()
  await expect(victim.evaluate(() => 1)).rejects.toThrow('closed')
  expect(await page.evaluate(() => 1)).toBe(1)
})

const openStore = `new Promise((resolve, reject) => {
  const opening = indexedDB.open('kept', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('values')
  opening.onsuccess = () => resolve(opening.result)
  opening.onerror = () => reject(opening.error)
})`

test('what a page stored survives the kill of the browser where the profile is kept', async () => {
  const profileDir = join(folder, 'profile')
  const doomed = await launchChromium({ profileDir })
  const writer = await doomed.open(server.url)
  await writer.evaluate(`${openStore}.then((db) => new Promise((resolve) => {
    const transaction = db.transaction('values', 'readwrite')
    transaction.objectStore('values').put('still here', 'key')
    transaction.oncomplete = () => resolve()
  }))`)
  await doomed.kill()
  await expect(writer.evaluate(() => 1)).rejects.toThrow('closed')

  const next = await launchChromium({ profileDir })
  const reader = await next.open(server.url)
  const stored = await reader.evaluate(`${openStore}.then((db) => new Promise((resolve) => {
    const request = db.transaction('values').objectStore('values').get('key')
    request.onsuccess = () => resolve(request.result)
  }))`)
  await next.close()
  expect(stored).toBe('still here')
})
