import type { CommandRun, TeamState } from '../../team/api.js'
import { make } from '../element.js'
import { formatMs } from '../format.js'

const KEPT = 12

/** The commands that ran, newest first, each with what it printed. */
export function mountCommandLog(list: HTMLOListElement): (team: TeamState) => void {
  const running = make('li', { class: 'command running' }, make('span', { class: 'prompt' }, '$ '), '')
  const idle = make('li', { class: 'hint' }, 'Press a button: the command it runs appears here.')
  return ({ commands, running: action }) => {
    const wanted = commands.slice(0, KEPT)
    const keys = new Set(wanted.map(keyOf))
    for (const item of list.querySelectorAll<HTMLElement>('[data-key]')) {
      if (!keys.has(item.dataset['key'] ?? '')) item.remove()
    }
    for (const run of [...wanted].reverse()) {
      if (!list.querySelector(`[data-key="${CSS.escape(keyOf(run))}"]`)) list.prepend(entry(run))
    }
    for (const [i, details] of list.querySelectorAll('details').entries()) {
      if (!details.dataset['touched']) details.open = i === 0
    }
    if (action === undefined) running.remove()
    else {
      running.lastChild?.replaceWith(`running ${action}`)
      list.prepend(running)
    }
    if (wanted.length === 0 && action === undefined) list.prepend(idle)
    else idle.remove()
  }
}

function keyOf({ at, command }: CommandRun): string {
  return `${at} ${command}`
}

function entry(run: CommandRun): HTMLElement {
  const { command, ok, output, ms } = run
  const summary = make(
    'summary',
    {},
    make('code', {}, make('span', { class: 'prompt' }, '$ '), ...words(command)),
    make('span', { class: ok ? 'outcome' : 'outcome alarm' }, `${ok ? 'ok' : 'failed'} ${formatMs(ms)}`),
  )
  const details = make('details', {}, summary, make('pre', {}, output.trimEnd()))
  summary.addEventListener('click', () => (details.dataset['touched'] = 'yes'))
  return make('li', { class: 'command', 'data-key': keyOf(run) }, details)
}

/** Words that stay whole: a browser would break a line inside `--repo`. */
function words(command: string): readonly (Node | string)[] {
  return command.split(' ').flatMap((word) => [make('span', { class: 'word' }, word), ' '])
}
