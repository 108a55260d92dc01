import type { Action, TeamState } from '../../team/api.js'
import { make } from '../element.js'

const STEPS = [5, 25, 100] as const

interface Rung {
  readonly label: string
  /** The action the button would run now; `undefined` when it has none. */
  readonly action: (team: TeamState) => Action | undefined
  readonly done: (team: TeamState) => boolean
}

/** Publish, 5 %, 25 %, 100 %, promote: each rung is a command, and shows whether it was climbed. */
const RUNGS: readonly Rung[] = [
  {
    label: 'Publish v2',
    action: () => 'publish-v2',
    done: ({ versions }) => versions.includes('2.0.0'),
  },
  ...STEPS.map((step, i): Rung => ({
    label: `${step} %`,
    action: (team) => (nextStep(team) === i ? (i === 0 ? 'start-canary' : 'step') : undefined),
    done: ({ candidate, coverage }) => candidate !== undefined && coverage >= step,
  })),
  {
    label: 'Promote',
    action: () => 'promote',
    done: ({ stable, candidate, versions }) =>
      candidate === undefined && stable !== undefined && stable !== versions[0],
  },
]

/** The buttons for when it goes wrong, for starting over, and for reading who did what. */
const EMERGENCY: readonly { readonly action: Action; readonly label: string; readonly kind: string }[] = [
  { action: 'ship-broken', label: 'Ship a broken v3', kind: 'button' },
  { action: 'kill', label: 'Kill', kind: 'button danger' },
  { action: 'revive', label: 'Revive', kind: 'link' },
  { action: 'reset', label: 'Reset', kind: 'link' },
  { action: 'log', label: 'Log', kind: 'link' },
]

/** @returns a function that shows a state; without one, all buttons rest. */
export function mountActions(
  ladder: HTMLElement,
  emergency: HTMLElement,
  run: (action: Action) => void,
): (team: TeamState | undefined) => void {
  let current: TeamState | undefined
  const rungs = RUNGS.map((rung) => {
    const button = actionButton('rung', rung.label, () => {
      const action = current && rung.action(current)
      if (action) run(action)
    })
    ladder.append(button)
    return { rung, button }
  })
  const others = EMERGENCY.map(({ action, label, kind }) => {
    const button = actionButton(kind, label, () => run(action))
    emergency.append(button)
    return { action, button }
  })
  return (team) => {
    current = team
    let next = true
    for (const { rung, button } of rungs) {
      button.classList.toggle('done', team !== undefined && rung.done(team))
      settle(button, team, team && rung.action(team))
      const ready = button.ariaDisabled === 'false'
      button.classList.toggle('next', ready && next)
      next &&= !ready
    }
    for (const { action, button } of others) settle(button, team, action)
  }
}

/** Index of the step that comes next: the first without a candidate, none after the last. */
function nextStep({ candidate, coverage }: TeamState): number {
  return candidate === undefined ? 0 : STEPS.findIndex((step) => step > coverage)
}

/** Out of use by `aria-disabled`: a button that is truly disabled would drop the keyboard's focus. */
function actionButton(kind: string, label: string, onClick: () => void): HTMLButtonElement {
  const button = make('button', { type: 'button', class: kind, 'aria-disabled': 'true' }, label)
  button.addEventListener('click', () => {
    if (button.ariaDisabled !== 'true') onClick()
  })
  return button
}

function settle(button: HTMLButtonElement, team: TeamState | undefined, action: Action | undefined): void {
  const idle = team !== undefined && team.running === undefined
  const possible = action !== undefined && team !== undefined && team.possible.includes(action)
  button.ariaDisabled = String(!idle || !possible)
  button.ariaBusy = String(team?.running !== undefined && team.running === action)
}
