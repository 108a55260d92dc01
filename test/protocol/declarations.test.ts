import { declareModels, type Contract } from '@afield/protocol'
import { describe, expect, test } from 'vitest'
import { parseContract } from './support/contract.js'
import { declaredModels } from './support/declared-models.js'

test('each kind of input and output has its type; test/types compiles code against this very file', async () => {
  await expect(declareModels(declaredModels)).toMatchFileSnapshot('../types/afield-models.d.ts')
})

describe('where several versions may serve, what holds for all of them is declared', () => {
  test('common fields, the narrower choice, outputs that all give', () => {
    const text = declare(
      contract(
        [
          { type: 'enum', name: 'plan', values: ['free', 'team', 'old'] },
          { type: 'number', name: 'age', missing: 'nan', max: 99 },
          { type: 'number', name: 'dropped', missing: { default: 0 } },
        ],
        [
          { kind: 'value', name: 'score', tensor: 'y' },
          { kind: 'decision', name: 'support', of: 'score', threshold: 0.5 },
        ],
      ),
      contract(
        [
          { type: 'enum', name: 'plan', values: ['free', 'team', 'new'] },
          { type: 'number', name: 'age', max: 120 },
        ],
        [{ kind: 'value', name: 'score', tensor: 'y' }],
      ),
    )
    expect(text).toContain('What holds for 1.0.0 and 2.0.0, any of which may serve.')
    expect(text).toContain("readonly plan: 'free' | 'team'\n")
    expect(text).toContain('readonly age: number\n')
    expect(text).toContain('A number up to 99.')
    expect(text).toContain('A number up to 120.')
    expect(text).not.toContain('dropped')
    expect(text).toContain('readonly score: number')
    expect(text).not.toContain('readonly support')
    expect(text).toContain('1.0.0 also answers support.')
  })

  test.each([
    [
      'a field that one requires and another does not know',
      contract([{ type: 'number', name: 'a' }]),
      contract([{ type: 'number', name: 'b' }]),
      'one version requires a and another does not know it',
    ],
    [
      'a field of another type',
      contract([{ type: 'number', name: 'a' }]),
      contract([{ type: 'boolean', name: 'a' }]),
      'no value of a suits them all',
    ],
    [
      'another kind of input',
      contract([{ type: 'number', name: 'a' }]),
      parseContract({
        input: { kind: 'text', form: 'string', tensor: 'text' },
        outputs: [{ kind: 'value', name: 'score', tensor: 'y' }],
      }),
      'the versions take inputs of different kinds',
    ],
  ])('and where none would do, there is none: %s', (_, one, other, reason) => {
    const text = declare(one, other)
    expect(text).toContain('readonly input: never')
    expect(text).toContain(`No input suits them all: ${reason}.`)
  })

  test('an output that changed its type may be either', () => {
    const score = { kind: 'value', name: 'score', tensor: 'y' }
    const text = declare(
      contract([{ type: 'number', name: 'a' }], [score, { ...score, name: 'level' }]),
      contract(
        [{ type: 'number', name: 'a' }],
        [
          score,
          { kind: 'band', name: 'level', of: 'score', bands: [{ label: 'low' }, { label: 'high', from: 1 }] },
        ],
      ),
    )
    expect(text).toContain("readonly level: number | 'low' | 'high'")
  })
})

test('what was published is text: it ends no comment and no string', () => {
  const text = declare(
    contract([
      {
        type: 'enum',
        name: 'a',
        values: ["'; declare const evil: 1; '", 'two\nlines', '\\'],
        description: '*/ declare const evil: 1 /*\nnext line',
      },
    ]),
  )
  expect(text).toContain(`readonly a: "'; declare const evil: 1; '" | "two\\nlines" | "\\\\"`)
  expect(text).toContain(' * * / declare const evil: 1 /*.\n')
})

test('models stand in the order of their names, so that the file changes only where they do', () => {
  const text = declareModels([...declaredModels].reverse())
  expect(text).toBe(declareModels(declaredModels))
})

function contract(
  fields: readonly object[],
  outputs: readonly object[] = [{ kind: 'value', name: 'score', tensor: 'y' }],
): Contract {
  return parseContract({ input: { kind: 'record', tensor: 'x', fields }, outputs })
}

function declare(first: Contract, ...others: readonly Contract[]): string {
  return declareModels([
    {
      name: 'm',
      served: [
        { version: '1.0.0', contract: first },
        ...others.map((contract, i) => ({ version: `${i + 2}.0.0`, contract })),
      ],
    },
  ])
}
