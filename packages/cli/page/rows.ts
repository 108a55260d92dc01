import type { Output, OutputValue } from '@afield/protocol'
import type { DevState } from '../src/dev/state.js'
import { inShort } from './answer.js'
import { h } from './dom.js'
import { cellText } from './inputs/record.js'

type ExampleRow = DevState['build']['rows'][number]

interface RowsOptions {
  readonly outputs: readonly Output[]
  readonly ask: (input: unknown) => Promise<Readonly<Record<string, OutputValue>>>
  readonly use: (input: unknown) => void
  /** False once there is something newer to ask. */
  readonly current: () => boolean
}

/** The rows, each with the model's answer as it comes. */
export async function showRows(
  place: HTMLElement,
  rows: readonly ExampleRow[],
  { outputs, ask, use, current }: RowsOptions,
): Promise<void> {
  const [first] = rows
  if (!first) return
  const fields = [...new Set(rows.flatMap(({ input }) => Object.keys(input)))]
  const targets = Object.keys(first.targets)
  const heads = ['Row', ...fields, ...targets, ...outputs.map(({ name }) => name), '']
  const body = h('tbody')
  place.replaceChildren(
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...heads.map((name) => h('th', { scope: 'col' }, name)))),
      body,
    ),
  )
  const cells = rows.map((row) => {
    const answers = outputs.map(() => h('td', { class: 'answer' }, '…'))
    const button = h('button', { type: 'button', class: 'quiet', 'aria-label': `Use row ${row.row}` }, 'Use')
    button.addEventListener('click', () => use(row.input))
    const value = (name: string): string => cellText(row.input[name])
    body.append(
      h(
        'tr',
        {},
        h('td', {}, String(row.row)),
        ...fields.map((name) => h('td', {}, value(name))),
        ...targets.map((name) => h('td', {}, row.targets[name] ?? '')),
        ...answers,
        h('td', {}, button),
      ),
    )
    return answers
  })
  for (const [i, row] of rows.entries()) {
    if (!current()) return
    try {
      const answer = await ask(row.input)
      outputs.forEach(({ name }, at) => cells[i]?.[at]?.replaceChildren(inShort(answer[name])))
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error)
      cells[i]?.forEach((cell, at) => cell.replaceChildren(at === 0 ? words : ''))
    }
  }
}
