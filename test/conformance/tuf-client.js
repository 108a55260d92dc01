import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkBytes } from '@afield/protocol'
import { systemClock } from '../../packages/sdk/dist/keeper/adapters/memory.js'
import { Folder } from '../../packages/sdk/dist/keeper/folder.js'
import { METADATA } from '../../packages/sdk/dist/keeper/manifest/limits.js'
import { Updater } from '../../packages/sdk/dist/keeper/manifest/updater.js'
import { MetadataFolder } from './metadata-folder.js'

/** @typedef {import('@afield/protocol').AnyTargetFile} AnyTargetFile */

const { values, positionals } = parseArgs({
  options: {
    'metadata-dir': { type: 'string' },
    'metadata-url': { type: 'string' },
    'target-name': { type: 'string', multiple: true, default: [] },
    'target-dir': { type: 'string' },
    'target-base-url': { type: 'string' },
  },
  allowPositionals: true,
})

/** @type {import('../../packages/sdk/dist/keeper/ports.js').Logger} */
const log = (level, message, error) => console.error(level, message, error?.message ?? '')
/** @type {import('../../packages/sdk/dist/keeper/ports.js').Fetch} */
const fetchUrl = (url, init) => fetch(url, init)
const ports = { fetch: fetchUrl, clock: systemClock, log }

const [command, file] = positionals
const folder = new MetadataFolder(need('metadata-dir'))
await run()

async function run() {
  switch (command) {
    case 'init':
      return folder.init(new Uint8Array(await readFile(file ?? '')))
    case 'refresh':
      return void (await refreshed())
    case 'download': {
      const updater = await refreshed()
      for (const name of values['target-name']) await download(updater, name)
      return
    }
    default:
      throw new Error(`There is no command "${command}": init, refresh or download.`)
  }
}

async function refreshed() {
  const updater = await Updater.open({
    root: await folder.root(),
    record: await folder.read(),
    reference: Date.now(),
    source: new Folder(ports, need('metadata-url'), METADATA),
    save: (record) => folder.save(record),
    log,
  })
  await updater.refresh({ probeRoot: true })
  return updater
}

/**
 * @param {Updater} updater
 * @param {string} name
 */
async function download(updater, name) {
  const target = await updater.find(name)
  if (!target) throw new Error(`Nobody lists ${name}.`)
  const path = join(need('target-dir'), encodeURIComponent(name))
  if (await isThere(path, target)) return
  const targets = new Folder(ports, need('target-base-url'), METADATA)
  const request = { path: urlOf(name, target, updater), file: name, maxBytes: target.length }
  const bytes = await targets.verified({ ...request, cache: 'default' }, async (some) => {
    await checkBytes(name, some, target)
    return some
  })
  await mkdir(need('target-dir'), { recursive: true })
  await writeFile(`${path}.part`, bytes)
  await rename(`${path}.part`, path)
}

/**
 * @param {string} path
 * @param {AnyTargetFile} target
 */
async function isThere(path, target) {
  try {
    await checkBytes(path, new Uint8Array(await readFile(path)), target)
    return true
  } catch {
    // Absent or changed: it is downloaded again.
    return false
  }
}

/**
 * @param {string} name
 * @param {AnyTargetFile} target
 * @param {Updater} updater
 */
function urlOf(name, { hashes }, { trusted }) {
  const folders = name.split('/').map(encodeURIComponent)
  const hash = hashes.sha256 ?? hashes.sha512
  const last = folders.pop() ?? ''
  return [...folders, trusted.consistentSnapshot && hash ? `${hash}.${last}` : last].join('/')
}

/** @param {'metadata-dir' | 'metadata-url' | 'target-dir' | 'target-base-url'} option */
function need(option) {
  const value = values[option]
  if (value === undefined) throw new Error(`--${option} is missing.`)
  return value
}
