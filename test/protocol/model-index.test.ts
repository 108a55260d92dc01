import { latestVersion, runnableVersions } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { index } from './support/documents.js'

describe('versions that may run', () => {
  test('are listed newest first', () => {
    expect(runnableVersions(index(['1.9.0', '1.10.0', '2.0.0-rc.1', '0.1.0']))).toEqual([
      '2.0.0-rc.1',
      '1.10.0',
      '1.9.0',
      '0.1.0',
    ])
  })

  test('are neither revoked nor below the least version', () => {
    const old = index(['1.0.0', '2.0.0', '3.0.0'], { revoked: ['3.0.0'], minVersion: '2.0.0' })
    expect(runnableVersions(old)).toEqual(['2.0.0'])
  })
})

describe('latest', () => {
  test('is the highest release that may run', () => {
    expect(latestVersion(index(['1.0.0', '2.0.0', '3.0.0-rc.1', '2.5.0'], { revoked: ['2.5.0'] }))).toBe(
      '2.0.0',
    )
  })

  test('is nothing where there is no release', () => {
    expect(latestVersion(index(['1.0.0-a']))).toBeUndefined()
    expect(latestVersion(index([]))).toBeUndefined()
  })
})

test('a name that JavaScript gives to every object is no version', () => {
  expect(runnableVersions(index(['__proto__', 'constructor', '1.0.0']))).toEqual(['1.0.0'])
})

test.each(['1', 'v1.0.0', 'latest'])('an index with the version "%s" is refused', (text) => {
  expect(() => index([text])).toThrow(expect.objectContaining({ code: 'manifest/invalid' }))
})
