import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ContractSchema, parseWith, type Contract } from '@afield/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { readTable } from '../../packages/cli/src/dev/csv.js'
import { inferContract } from '../../packages/cli/src/dev/infer/infer.js'
import { readGraph } from '../../packages/cli/src/publish/graph.js'
import { graphBytes, type Port } from './onnx-graph.js'
import { temporaryFolder } from './workspace.js'

let dir: string

beforeAll(async () => {
  dir = await temporaryFolder()
})

const SCORE: Port = { name: 'score', dtype: 'float32', shape: ['N', 1] }

interface Attempt {
  readonly inputs: readonly Port[]
  readonly outputs?: readonly Port[]
  readonly csv?: string | Uint8Array
  readonly targets?: readonly string[]
}

async function infer({ inputs, outputs = [SCORE], csv, targets = [] }: Attempt) {
  const path = join(dir, 'rows.csv')
  if (csv !== undefined) await writeFile(path, csv)
  const graph = readGraph(graphBytes({ inputs, outputs }), 'model.onnx')
  const inferred = inferContract(graph, csv === undefined ? undefined : await readTable(path), targets)
  // Whatever is inferred is a contract.
  parseWith(ContractSchema, inferred.contract, 'descriptor/invalid', 'The contract')
  return inferred
}

const inputOf = async (attempt: Attempt): Promise<Contract['input']> => (await infer(attempt)).contract.input

const FEATURES: Port = { name: 'features', dtype: 'float32', shape: ['N', 3] }

describe('a record', () => {
  test('from [N, columns] alone: fields by number', async () => {
    expect(await inputOf({ inputs: [FEATURES] })).toMatchObject({
      kind: 'record',
      tensor: 'features',
      dtype: 'float32',
      fields: [
        { name: 'feature_0', type: 'number' },
        { name: 'feature_1', type: 'number' },
        { name: 'feature_2', type: 'number' },
      ],
    })
  })

  test('from a CSV: named and typed by its columns, the target left out', async () => {
    const csv = 'Hours studied,plan,active,churned\n4.5,basic,true,0\n8,pro,false,1\n,basic,true,0\n'
    const { contract, notes, columns } = await infer({ inputs: [FEATURES], csv, targets: ['churned'] })
    expect(contract.input).toMatchObject({
      fields: [
        { name: 'Hours_studied', type: 'number', missing: 'nan', description: '4.5 to 8 in the CSV' },
        { name: 'plan', type: 'enum', values: ['basic', 'pro'] },
        { name: 'active', type: 'boolean' },
      ],
    })
    expect(columns.get('Hours_studied')).toBe(0)
    expect(notes).toEqual([
      'churned: what the model predicts, so it is no input.',
      '"plan" reaches the graph as its position in alphabetical order. Change the order where training used another.',
    ])
  })

  test.each([
    [
      'semicolons, decimal commas and a byte order mark, as spreadsheets write them',
      '\ufeffa;"b; c";d\r\n1,5;x;7\r\n2;y;8\r\n3;x;9\r\n',
    ],
    ['tabs', 'a\tb; c\td\n1.5\tx\t7\n2\ty\t8\n3\tx\t9\n'],
    ['quotes where none are needed', 'a,"b; c",d\n"1.5","x","7"\n2,"y",8\n3,x,9\n'],
  ])('from a CSV with %s', async (_, csv) => {
    const { contract, columns } = await infer({ inputs: [FEATURES], csv })
    expect(contract.input).toMatchObject({
      fields: [
        { name: 'a', type: 'number', description: '1.5 to 3 in the CSV' },
        { name: 'b_c', type: 'enum', values: ['x', 'y'] },
        { name: 'd', type: 'integer', description: '7 to 9 in the CSV' },
      ],
    })
    expect([...columns.values()]).toEqual([0, 1, 2])
  })

  test('from the beginning of a CSV of any size', async () => {
    const path = join(dir, 'huge.csv')
    const line = `${'1234567,'.repeat(1000)}1\n`
    await writeFile(path, `${Array.from({ length: 1001 }, (_, i) => `c${i}`).join(',')}\n`)
    for (let i = 0; i < 9; i++) await appendFile(path, line.repeat(1000))
    const table = await readTable(path)
    expect(table.rows).toHaveLength(1000)
    expect(table.rows.every((row) => row.length === 1001)).toBe(true)
  })

  test('a column that is called as targets are is left out, and said', async () => {
    const { contract, notes } = await infer({ inputs: [FEATURES], csv: 'a,b,label,c\n1,2,0,3\n1,2,1,3\n' })
    expect(contract.input).toMatchObject({ fields: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] })
    expect(notes).toEqual(['The column "label" matches no input and is passed over.'])
  })

  test('from inputs of their own: matched by name, the graph types them', async () => {
    const inputs: readonly Port[] = [
      { name: 'Age', dtype: 'int64', shape: ['N', 1] },
      { name: 'city', dtype: 'string', shape: ['N', 1] },
      { name: 'member since', dtype: 'float32', shape: ['N', 1] },
      { name: 'paid', dtype: 'bool', shape: ['N', 1] },
    ]
    const csv = 'id,city,age,Member_Since,paid\n1,Oslo,30,2.5,true\n2,Rome,41,3,false\n3,Oslo,22,1,true\n'
    const { contract, notes } = await infer({ inputs, csv })
    expect(contract.input).toMatchObject({
      kind: 'record',
      fields: [
        { name: 'Age', tensor: 'Age', type: 'integer', dtype: 'int64' },
        { name: 'city', tensor: 'city', type: 'enum', dtype: 'string', values: ['Oslo', 'Rome'] },
        { name: 'member_since', tensor: 'member since', type: 'number', dtype: 'float32' },
        { name: 'paid', tensor: 'paid', type: 'boolean', dtype: 'bool' },
      ],
    })
    expect(notes).toEqual(['The column "id" matches no input and is passed over.'])
  })
})

describe('another kind', () => {
  const cases: readonly [string, Port, object][] = [
    [
      'image, channels first',
      { name: 'x', dtype: 'float32', shape: ['N', 3, 224, 200] },
      { kind: 'image', layout: 'nchw', color: 'rgb', width: 200, height: 224 },
    ],
    [
      'image, gray, channels last',
      { name: 'x', dtype: 'uint8', shape: ['N', 28, 28, 1] },
      { kind: 'image', layout: 'nhwc', color: 'gray', dtype: 'uint8' },
    ],
    ['text', { name: 'x', dtype: 'string', shape: ['N'] }, { kind: 'text', form: 'string', layout: 'n' }],
    ['text as a column', { name: 'x', dtype: 'string', shape: ['N', 1] }, { kind: 'text', layout: 'n1' }],
    [
      'tensors',
      { name: 'x', dtype: 'float32', shape: ['N', 10, 'T'] },
      { kind: 'tensors', tensors: [{ name: 'x', dtype: 'float32', shape: [-1, 10, -1] }] },
    ],
    [
      'tensors where there are more columns than a form has fields',
      { name: 'x', dtype: 'float32', shape: ['N', 16_000] },
      { kind: 'tensors', tensors: [{ name: 'x', shape: [-1, 16_000] }] },
    ],
    [
      'tensors where the batch is fixed',
      { name: 'x', dtype: 'float32', shape: [1, 10] },
      { kind: 'tensors', tensors: [{ shape: [1, 10] }] },
    ],
  ]
  test.each(cases)('%s', async (_, port, expected) => {
    expect(await inputOf({ inputs: [port] })).toMatchObject(expected)
  })
})

describe('outputs', () => {
  const inputs = [FEATURES]
  const cases: readonly [string, readonly Port[], readonly object[]][] = [
    ['a number', [{ name: 'p', dtype: 'float32', shape: ['N'] }], [{ kind: 'value', name: 'p' }]],
    [
      'scores',
      [{ name: 'probs', dtype: 'float32', shape: ['N', 2] }],
      [{ kind: 'label', labels: ['class_0', 'class_1'] }],
    ],
    [
      "scikit-learn's label and probabilities",
      [
        { name: 'output_label', dtype: 'int64', shape: ['N'] },
        { name: 'probabilities', dtype: 'float32', shape: ['N', 2] },
      ],
      [{ kind: 'label', name: 'output_label', scores: 'probabilities' }],
    ],
    [
      'texts and their probabilities',
      [
        { name: 'label', dtype: 'string', shape: ['N'] },
        { name: 'probabilities', dtype: 'float32', shape: ['N', 2] },
      ],
      [{ kind: 'label', name: 'label', scores: 'probabilities' }],
    ],
    [
      'anything else',
      [{ name: 'mask', dtype: 'float32', shape: ['N', 1, 8, 8] }],
      [{ kind: 'tensor', tensor: 'mask' }],
    ],
  ]
  test.each(cases)('%s', async (_, outputs, expected) => {
    expect((await infer({ inputs, outputs })).contract.outputs).toMatchObject(expected)
  })
})

describe('what cannot be inferred is refused by name', () => {
  const zipmap: Port = { name: 'output_probability', dtype: 'sequence' }
  const cases: readonly [string, Attempt, string, RegExp][] = [
    [
      'a sequence of maps',
      { inputs: [FEATURES], outputs: [zipmap] },
      'graph/unsupported',
      /"output_probability" is a sequence or a map.*'zipmap': False/,
    ],
    [
      'a type that no device fills',
      { inputs: [{ ...FEATURES, dtype: 'bfloat16' }] },
      'graph/unsupported',
      /The input "features" is of bfloat16/,
    ],
    [
      'an output of a type that no device reads',
      { inputs: [FEATURES], outputs: [{ name: 'y', dtype: 'bfloat16', shape: ['N', 1] }] },
      'graph/unsupported',
      /The output "y" is of bfloat16/,
    ],
    ['no input at all', { inputs: [] }, 'graph/unsupported', /takes no input/],
    [
      'rows for a graph that takes one at a time',
      { inputs: [{ ...FEATURES, shape: [1, 3] }], csv: 'a,b,c\n1,2,3\n' },
      'csv/mismatch',
      /"features" takes exactly 1 row\(s\) a run: export it with an open first dimension/,
    ],
    [
      'an unknown number of columns',
      { inputs: [{ ...FEATURES, shape: ['N', 'M'] }] },
      'contract/unclear',
      /how many columns "features" has.*Add a CSV/,
    ],
    [
      'pictures of any size',
      { inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 'H', 'W'] }] },
      'contract/unclear',
      /"x" takes pictures of any height \(H\)/,
    ],
    [
      'too few columns',
      { inputs: [FEATURES], csv: 'a,b\n1,2\n' },
      'csv/mismatch',
      /takes 3 columns in features: float32\[N, 3\], and .*rows\.csv has 2: a, b/,
    ],
    [
      'too many columns',
      { inputs: [FEATURES], csv: 'a,b,c,outcome now\n1,2,3,4\n' },
      'csv/mismatch',
      /Is "outcome now" what the model predicts\? Then name it: --target "outcome now"/,
    ],
    [
      'a target that is no column',
      { inputs: [FEATURES], csv: 'a,b,c\n1,2,3\n', targets: ['d'] },
      'csv/mismatch',
      /--target names the column "d".*a, b, c/,
    ],
    [
      'free text for numbers',
      { inputs: [FEATURES], csv: 'a,b,note\n1,2,so\n1,2,what\n1,2,now\n' },
      'csv/mismatch',
      /column "note" holds free text.*features: float32/,
    ],
    [
      'fractions for whole numbers',
      { inputs: [{ ...FEATURES, dtype: 'int64' }], csv: 'a,b,c\n1,2,3.5\n' },
      'csv/mismatch',
      /column "c" has fractions/,
    ],
    [
      'an input without a column',
      {
        inputs: ['size', 'age'].map((name) => ({ name, dtype: 'float32', shape: ['N', 1] })),
        csv: 'size\n1\n',
      },
      'csv/mismatch',
      /no column "age".*the header has size/,
    ],
    [
      'rows for a picture',
      { inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 8, 8] }], csv: 'a,b\n1,2\n' },
      'csv/mismatch',
      /columns a, b, and no column fits: the graph takes x: float32\[N, 3, 8, 8\]/,
    ],
    [
      'two columns of one name',
      { inputs: [FEATURES], csv: 'a,a,b\n1,2,3\n' },
      'csv/invalid',
      /two columns "a"/,
    ],
    [
      'a column without values',
      { inputs: [FEATURES], csv: 'a,b,c\n1,,3\n4,,5\n' },
      'csv/invalid',
      /column "b".*no value/,
    ],
    [
      'a CSV of another encoding',
      { inputs: [FEATURES], csv: Buffer.from('größe,b,c\n1,2,3\n', 'latin1') },
      'csv/invalid',
      /not in UTF-8.*"CSV UTF-8"/,
    ],
    ['a header alone', { inputs: [FEATURES], csv: 'a,b,c\n' }, 'csv/invalid', /no rows/],
    ['a row that is too short', { inputs: [FEATURES], csv: 'a,b,c\n1,2\n' }, 'csv/invalid', /INCONSISTENT/],
  ]
  test.each(cases)('%s', async (_, attempt, code, message) => {
    const error = await infer(attempt).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
  })
})
