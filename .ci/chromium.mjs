// @ts-check
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser', 'chrome']

/**
 * Finds a Chromium to drive: `CHROME_PATH`, then an installed Chrome or Chromium, then Playwright's own.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string | undefined>} the path of the executable; `undefined` when there is none
 * @throws {Error} when `CHROME_PATH` is set and names no browser that starts: quietly taking another one
 * would test something else than was asked for
 * @example
 * const path = await findChromium()
 */
export async function findChromium(env = process.env) {
  const named = env['CHROME_PATH']
  if (named) {
    if (starts(named)) return named
    throw new Error(`CHROME_PATH is ${named}, and no browser starts there. Correct it or unset it.`)
  }
  return [...onPath(env), ...usualPlaces(env)].find(starts) ?? (await playwrightsOwn())
}

/** @param {NodeJS.ProcessEnv} env */
function onPath(env) {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter(Boolean)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name + suffix)))
}

/** @param {NodeJS.ProcessEnv} env */
function usualPlaces(env) {
  switch (process.platform) {
    case 'darwin':
      return ['/Applications', join(env['HOME'] ?? '', 'Applications')].flatMap((folder) =>
        ['Google Chrome', 'Chromium'].map((app) => join(folder, `${app}.app/Contents/MacOS/${app}`)),
      )
    case 'win32':
      return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((root) =>
        ['Google/Chrome', 'Chromium'].map((app) => join(env[root] ?? '', app, 'Application/chrome.exe')),
      )
    default:
      return ['/opt/google/chrome/chrome', '/usr/lib/chromium/chromium']
  }
}

async function playwrightsOwn() {
  const { chromium } = await import('playwright-core')
  const path = chromium.executablePath()
  return starts(path) ? path : undefined
}

/**
 * On Linux a file of that name is not enough: Ubuntu's `chromium-browser` may only be a notice that points to
 * a snap, and a downloaded browser may lack its libraries. Elsewhere `--version` could open a window.
 *
 * @param {string} path
 */
function starts(path) {
  if (!existsSync(path)) return false
  if (process.platform !== 'linux') return true
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0
}
