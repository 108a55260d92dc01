import { AfieldError, ERROR_CODES, asAfieldError, errorFromData, errorToData } from '@afield/protocol'
import { describe, expect, test } from 'vitest'

const cause = new AfieldError('chunk/hash-mismatch', 'A chunk is damaged.', {
  details: { file: 'chunks/ab', bytes: 3 },
})
const error = new AfieldError('manifest/invalid', 'It cannot be read.', { cause })

/** Through `postMessage` and JSON, as it would go to a worker or a log. */
function throughWire(thrown: unknown): AfieldError {
  return errorFromData(JSON.parse(JSON.stringify(structuredClone(errorToData(thrown)))))
}

describe('an error that crossed a worker boundary', () => {
  test('still is an AfieldError with its code, message, details and stack', () => {
    const back = throughWire(error)
    expect(back).toBeInstanceOf(AfieldError)
    expect(back).toMatchObject({
      code: 'manifest/invalid',
      message: 'It cannot be read.',
      stack: error.stack,
    })
    expect(throughWire(cause).details).toEqual({ file: 'chunks/ab', bytes: 3 })
  })

  test('keeps its causes, also foreign ones', () => {
    const deep = new AfieldError('model/not-found', 'Nothing serves.', {
      cause: new AfieldError('manifest/unavailable', 'No answer.', { cause: new TypeError('fetch failed') }),
    })
    expect(throughWire(deep)).toMatchObject({
      cause: {
        code: 'manifest/unavailable',
        cause: { code: 'internal/unexpected', message: 'fetch failed' },
      },
    })
  })

  test('ends where causes go in circles', () => {
    const first = new Error('first')
    const second = new Error('second', { cause: first })
    first.cause = second
    const messages = []
    for (let at: unknown = throughWire(first); at instanceof Error; at = at.cause) messages.push(at.message)
    expect(messages).toEqual(['first', 'second', 'first', 'second', 'first'])
  })

  test.each([
    ['a text', 'oops', 'oops'],
    ['nothing', undefined, 'undefined'],
    ['a number', 7, '7'],
  ])('has a message when it was %s', (_, thrown, message) => {
    expect(throughWire(thrown)).toMatchObject({ code: 'internal/unexpected', message })
  })
})

describe('asAfieldError', () => {
  test('leaves a code that is there alone', () => {
    expect(asAfieldError(error, 'engine/crashed', 'It broke')).toBe(error)
  })

  test('gives a code to anything else, and keeps it as the cause', () => {
    const foreign = new RangeError('out of memory')
    const wrapped = asAfieldError(foreign, 'engine/session-failed', 'No session')
    expect(wrapped).toMatchObject({ code: 'engine/session-failed', message: 'No session (out of memory)' })
    expect(wrapped.cause).toBe(foreign)
  })
})

test('codes are unique, sorted by room, and fit for telemetry', () => {
  expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
  for (const code of ERROR_CODES) expect(code).toMatch(/^([a-z]+\/)?[a-z-]+$/)
})

describe('an error of a second copy of the class', () => {
  /** As code that is bundled apart has it. */
  class AfieldErrorCopy extends Error {
    override readonly name = 'AfieldError'
    readonly code = 'input/invalid'
    readonly details = { field: 'image' }
  }

  test('is one, and keeps its code over a worker boundary', () => {
    const error: unknown = new AfieldErrorCopy('too large')
    expect(error).toBeInstanceOf(AfieldError)
    expect(errorFromData(errorToData(error))).toMatchObject({
      code: 'input/invalid',
      details: { field: 'image' },
    })
    expect(asAfieldError(error, 'internal/unexpected', 'x')).toBe(error)
  })

  test('what is no error, or another, is none', () => {
    for (const other of [
      new Error('AfieldError'),
      { name: 'AfieldError', code: 'closed' },
      null,
      'AfieldError',
    ]) {
      expect(other).not.toBeInstanceOf(AfieldError)
    }
  })
})
