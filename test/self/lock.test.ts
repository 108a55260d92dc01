import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

interface LockEntry {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The paths where Node looks for `name` from the package at `path`, nearest first. */
function lookup(path: string, name: string): string[] {
  const here = `${path}/node_modules/${name}`
  const above = path.lastIndexOf('/node_modules/')
  return above < 0 ? [here, `node_modules/${name}`] : [here, ...lookup(path.slice(0, above), name)]
}

test('the lock file names the binaries of every platform, so that npm ci works on each', async () => {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, LockEntry>> }
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).flatMap(([name, version]) => {
      const found = lookup(path, name).find((place) => place in packages)
      const exact = /^\d/.test(version)
      return found === undefined || (exact && packages[found]?.version !== version)
        ? [`${name}@${version}`]
        : []
    }),
  )
  expect(missing).toEqual([])
})
