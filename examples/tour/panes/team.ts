import { config } from '../../team/config.js'
import type { Action, TeamState } from '../../team/api.js'
import { find, make, write } from '../element.js'
import { mountFleet, type OwnDevice } from '../fleet-view.js'
import { formatMs } from '../format.js'
import { glyph } from '../glyph.js'
import type { TeamClient } from '../team-client.js'
import { mountCommandLog } from './command-log.js'
import { mountActions } from './ladder.js'

export interface TeamPane {
  /** Where this browser stands among the devices. */
  place(own: OwnDevice): void
}

/** Everything the team does and sees. */
export function mountTeam(root: HTMLElement, client: TeamClient, afterAction: () => void): TeamPane {
  const unreachable = find(root, '.unreachable', HTMLElement)
  const standing = find(root, '.standing', HTMLElement)
  const fleet = mountFleet(find(root, '.fleet', HTMLElement))
  const log = mountCommandLog(find(root, '.commands', HTMLOListElement))
  const actions = mountActions(
    find(root, '.ladder', HTMLElement),
    find(root, '.emergency', HTMLElement),
    (action) => void act(action),
  )
  addLinks(find(root, '.links', HTMLElement))
  let own: OwnDevice = { version: undefined, bucket: undefined, failed: [] }
  let team: TeamState | undefined
  let lost = false

  const act = async (action: Action): Promise<void> => {
    try {
      await client.run(action)
      say(undefined)
    } catch (error) {
      say(`That did not get through: ${error instanceof Error ? error.message : String(error)}`)
    }
    afterAction()
  }
  const say = (text: string | undefined): void => {
    unreachable.hidden = text === undefined
    write(unreachable, text ?? '')
  }

  client.subscribe((link) => {
    root.dataset['link'] = link.state
    if (link.state === 'live') {
      if (lost) say(undefined)
      lost = false
      root.dataset['known'] = 'yes'
      team = link.team
      fleet.show(team, own)
      log(team)
      showStanding(standing, team)
    } else if (link.state === 'lost') {
      lost = true
      say("The team's server is not reachable; your device goes on without it.")
    }
    actions(link.state === 'live' ? link.team : undefined)
  })
  return {
    place: (next) => {
      own = next
      if (team) fleet.show(team, own)
    },
  }
}

function showStanding(
  root: HTMLElement,
  { stable, candidate, coverage, killed, rollbackMs }: TeamState,
): void {
  const facts: (readonly [string, readonly (Node | string)[]])[] = [
    ['Stable', stable === undefined ? ['newest release'] : [glyph(stable), stable]],
  ]
  if (killed === 'model') facts.push(['Model', ['killed']])
  else if (candidate !== undefined) {
    const share = killed === 'candidate' ? 'killed' : `to ${coverage} %`
    facts.push(['Candidate', [glyph(candidate), `${candidate} ${share}`]])
  }
  if (rollbackMs !== undefined) {
    facts.push([killed === 'none' ? 'Last roll-back took' : 'Time to roll back', [formatMs(rollbackMs)]])
  } else if (killed !== 'none') facts.push(['Time to roll back', ['under way']])
  const text = JSON.stringify([stable, candidate, coverage, killed, rollbackMs])
  if (root.dataset['shown'] === text) return
  root.dataset['shown'] = text
  root.replaceChildren(
    make(
      'dl',
      {},
      ...facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, ...value))),
    ),
  )
}

function addLinks(root: HTMLElement): void {
  const links = [
    ['Dashboard: versions in the field', new URL('/', config.collector).href],
    ['Learner-risk, the app', config.learnerRisk],
    ['Content-check, on what is typed', config.contentCheck],
    ['Digit-reader, on what is drawn', config.digitReader],
    ['Docs: guides, and every error', config.docs],
  ] as const
  root.append(...links.map(([text, href]) => make('a', { href }, text)))
}
