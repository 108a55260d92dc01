import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runBin, startProcess, temporaryFolder } from './collector-process.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder()
})

afterAll(() => folder.remove())

/** Makes one package unresolvable, as if it had not been installed. */
const without = (name: string) => {
  const hook = `export const resolve = (specifier, context, next) => {
    if (specifier === '${name}' || specifier.startsWith('${name}/')) {
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
    }
    return next(specifier, context)
  }`
  const url = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`
  const register = `import { register } from 'node:module'; register(${JSON.stringify(url(hook))})`
  return ['--import', url(register)]
}

test('--help names every option', async () => {
  const { code, out } = await runBin(['--help'])
  expect(code).toBe(0)
  for (const flag of ['--port', '--data', '--key', '--cell-floor', '--clickhouse'])
    expect(out).toContain(flag)
})

test('health says whether it lives and whether its store answers, and it ends in order', async () => {
  const collector = await startProcess(folder.path)
  expect(await (await fetch(`${collector.url}/health/live`)).json()).toEqual({ status: 'live' })
  expect(await (await fetch(`${collector.url}/health/ready`)).json()).toEqual({ status: 'ready' })
  expect(await collector.stop()).toBe(0)
})

describe('what keeps it from starting is said in one line', () => {
  const oneLine = /^[^\n]+\n$/

  test('no ingest key', async () => {
    const { code, err } = await runBin(['--data', folder.path])
    expect(code).toBe(1)
    expect(err).toContain('--key')
  })

  test('no chdb', async () => {
    const args = ['--data', folder.path, '--key', 'k', '--port', '0', '--log-level', 'silent']
    const { code, err } = await runBin(args, without('chdb'))
    expect(code).toBe(1)
    expect(err).toMatch(oneLine)
    expect(err).toContain('npm install chdb')
    expect(err).toContain('--clickhouse URL')
  })

  test('a folder that another collector uses', async () => {
    const first = await startProcess(folder.path)
    const { code, err } = await runBin([
      '--data',
      folder.path,
      '--key',
      'k',
      '--port',
      '0',
      '--log-level',
      'silent',
    ])
    expect(code).toBe(1)
    expect(err).toContain('a folder serves one collector')
    await first.stop()
  })

  test('a ClickHouse server that does not answer', async () => {
    const { code, err } = await runBin([
      '--clickhouse',
      'http://127.0.0.1:9',
      '--key',
      'k',
      '--log-level',
      'silent',
    ])
    expect(code).toBe(1)
    expect(err).toMatch(oneLine)
    expect(err).toContain('The store did not answer')
  })
})
