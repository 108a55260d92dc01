import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const inCheckout = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const TYPES = inCheckout('test/types')

test('declared models make right code compile, and wrong code not', async () => {
  expect(await compile(TYPES)).toEqual({ code: 0, errors: [] })
})

test('each refused line is wrong by itself', async () => {
  const text = await readFile(join(TYPES, 'refused.ts'), 'utf8')
  const lines = text.split('\n')
  const expected = lines.flatMap((line, i) => (line.includes('@ts-expect-error ') && i > 4 ? [i + 2] : []))
  expect(expected.length).toBeGreaterThan(20)

  const dir = await mkdtemp(join(tmpdir(), 'afield-types-'))
  try {
    await writeFile(join(dir, 'refused.ts'), text.replaceAll('@ts-expect-error', 'wrong:'))
    await writeFile(
      join(dir, 'tsconfig.json'),
      JSON.stringify({
        extends: join(TYPES, 'tsconfig.json'),
        compilerOptions: {
          paths: {
            afield: [inCheckout('packages/sdk/dist/index.d.ts')],
            'afield/react': [inCheckout('packages/sdk/dist/react/index.d.ts')],
          },
        },
        files: ['refused.ts', join(TYPES, 'afield-models.d.ts')],
        include: [],
      }),
    )
    const { errors } = await compile(dir)
    expect(errors).toEqual(expected)
  } finally {
    await rm(dir, { recursive: true })
  }
})

/** The lines of the errors that the compiler finds. */
function compile(project: string): Promise<{ readonly code: number; readonly errors: readonly number[] }> {
  const tsc = inCheckout('node_modules/typescript/bin/tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', project, '--pretty', 'false'], (error, stdout) => {
      const errors = [...stdout.matchAll(/\((\d+),\d+\): error /g)].map(([, line]) => Number(line))
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, errors })
    })
  })
}
