/** Builds the test app once for all files of a suite, before their first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildApp } from './build.js'

declare module 'vitest' {
  interface ProvidedContext {
    testApp: string
  }
}

export default async function build({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-app-'))
  await buildApp({ root: import.meta.dirname, outDir: folder, base: '/app/' })
  provide('testApp', folder)
  return () => rm(folder, { recursive: true, force: true })
}
