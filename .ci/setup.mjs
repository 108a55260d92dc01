// @ts-check
// Makes a fresh clone ready: dependencies, build and, with --browser, a Chromium. It must run before anything
// is installed, so it imports nothing but Node; when all is ready it is over in a fraction of a second.
import { execSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const DOWNLOAD_LIMIT_MS = 5 * 60_000

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const stamps = join('node_modules', '.afield')

requireNode(20, 19)
install()
build()
if (process.argv.includes('--browser')) await requireBrowser()

/**
 * @param {number} major
 * @param {number} minor
 */
function requireNode(major, minor) {
  const [haveMajor = 0, haveMinor = 0] = process.versions.node.split('.').map(Number)
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return
  stop(`Afield needs Node ${major}.${minor} or newer; this is ${process.versions.node}.`)
}

function install() {
  const lock = 'package-lock.json'
  // npm writes this file last, so an interrupted install lacks it.
  const installed = join('node_modules', '.package-lock.json')
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex')
  if (existsSync(installed)) {
    if (readStamp('install') === wanted) return
    if (statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return writeStamp('install', wanted)
  }
  run('Installing dependencies', 'npm ci')
  writeStamp('install', wanted)
}

function build() {
  const state = buildInputs()
  if (readStamp('build') === state && packages().every((name) => existsSync(join('packages', name, 'dist'))))
    return
  run('Building', 'npm run --silent build')
  writeStamp('build', state)
}

/** What the build reads, as one hash over names, sizes and times: cheaper than reading it all. */
function buildInputs() {
  const hash = createHash('sha256')
  const files = packages().flatMap((name) => filesUnder(join('packages', name)))
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json', ...files]) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${file}\0${size}\0${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

function packages() {
  return readdirSync('packages').filter((name) => existsSync(join('packages', name, 'package.json')))
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : filesUnder(path)
    return entry.isFile() && !entry.name.endsWith('.tsbuildinfo') ? [path] : []
  })
}

async function requireBrowser() {
  const { findChromium } = await import('./chromium.mjs')
  if (await findChromium().catch(stop)) return
  const ways = [
    `"${process.execPath}" node_modules/playwright-core/cli.js install chromium --no-shell`,
    ...(isDebianRoot() ? ['apt-get update && apt-get install -y --no-install-recommends chromium'] : []),
  ]
  for (const command of ways) {
    if (attempt('Installing a Chromium for the tests', command) && (await findChromium().catch(stop))) return
  }
  stop(
    [
      'The tests need a Chromium, and none could be installed here. Install one of these:',
      '  Debian, Ubuntu: sudo apt-get install chromium',
      '  macOS: brew install --cask google-chrome',
      '  Windows: winget install Google.Chrome',
      '  anywhere: npx playwright-core install --with-deps chromium',
      'If it is in an unusual place: CHROME_PATH=/path/to/chrome npm test',
    ].join('\n'),
  )
}

function isDebianRoot() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version')
}

/**
 * @param {string} title
 * @param {string} command
 */
function attempt(title, command) {
  console.error(`${title}: ${command}`)
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    execSync(command, { stdio: ['ignore', 'inherit', 'inherit'], timeout: DOWNLOAD_LIMIT_MS, env })
    return true
  } catch (error) {
    console.error(`That did not work: ${String(error)}`)
    return false
  }
}

/**
 * @param {string} title
 * @param {string} command
 */
function run(title, command) {
  console.error(`${title}: ${command}`)
  try {
    execSync(command, { stdio: ['ignore', 'inherit', 'inherit'] })
  } catch {
    stop(`"${command}" failed; its own words are above.`)
  }
}

/** @param {string} name */
function readStamp(name) {
  const file = join(stamps, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/**
 * @param {string} name
 * @param {string} value
 */
function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, name), value)
}

/**
 * @param {unknown} reason
 * @returns {never}
 */
function stop(reason) {
  console.error(reason instanceof Error ? reason.message : reason)
  process.exit(1)
}
