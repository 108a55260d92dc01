import type { FleetDevice, TeamState } from '../team/api.js'
import { make, write } from './element.js'
import { placeDevices, roomFor, type Placeable, type Room } from './fleet-layout.js'
import { formatCount, plural } from './format.js'
import { glyph, setGlyph } from './glyph.js'

/** Pixels; `fleet.css` draws the labels to the same measure. */
const LABEL_HEIGHT = 40
const VACANT_RAIL = 16
const RAIL_PADDING = 4

/** The visitor's browser, among the simulated devices. */
export interface OwnDevice {
  readonly version: string | undefined
  readonly bucket: number | undefined
  readonly failed: readonly string[]
}

export interface FleetView {
  show(team: TeamState, own: OwnDevice): void
}

interface Dot extends Placeable {
  readonly version: string | undefined
  readonly failed: readonly string[]
  readonly title: string
}

interface Lane {
  readonly element: HTMLElement
  readonly role: HTMLElement
  readonly count: HTMLElement
}

/**
 * The fleet as dots: a lane for each version, newest on top; across by bucket. Everything is moved by transforms,
 * so that a device that takes another version is seen to go there.
 */
export function mountFleet(root: HTMLElement): FleetView {
  const stage = make('div', { class: 'stage' })
  const share = make('div', { class: 'share', 'aria-hidden': 'true' }, make('span', { class: 'share-label' }))
  const axis = make(
    'p',
    { class: 'axis', 'aria-hidden': 'true' },
    make('span', {}, 'bucket 0'),
    make('span', {}, '10,000'),
  )
  const summary = make('p', { class: 'hint' })
  stage.append(share)
  root.append(stage, axis, summary)

  const lanes = new Map<string | undefined, Lane>()
  const dots = new Map<string, HTMLElement>()
  let shown: readonly [TeamState, OwnDevice] | undefined

  const draw = (team: TeamState, own: OwnDevice): void => {
    shown = [team, own]
    const devices = [...team.fleet.map(fleetDot), ownDot(own)]
    const room = roomFor(devices.length, stage.clientWidth)
    const tops = drawLanes(team, devices, room)
    drawShare(share, team)
    drawDots(devices, tops, room)
    axis.hidden = devices.every(({ bucket }) => bucket === undefined)
    write(summary, summarise(team, devices))
  }

  /** @returns the upper edge of each version's lane, in pixels. */
  const drawLanes = (
    team: TeamState,
    devices: readonly Dot[],
    room: Room,
  ): ReadonlyMap<string | undefined, number> => {
    const versions = laneVersions(team, devices)
    for (const [version, lane] of lanes) {
      if (versions.includes(version)) continue
      lane.element.remove()
      lanes.delete(version)
    }
    const tops = new Map<string | undefined, number>()
    let top = 0
    for (const version of versions) {
      const lane = lanes.get(version) ?? addLane(version)
      const count = devices.filter((device) => device.version === version).length
      lane.element.style.transform = `translateY(${top}px)`
      const rail = count === 0 ? VACANT_RAIL : room.rows * room.pitch + 2 * RAIL_PADDING
      lane.element.style.height = `${LABEL_HEIGHT + rail}px`
      write(lane.role, roleOf(version, team))
      write(lane.count, `${plural(count, 'device')} · ${Math.round((100 * count) / devices.length)} %`)
      tops.set(version, top)
      top += LABEL_HEIGHT + rail
    }
    stage.style.height = `${top}px`
    return tops
  }

  const addLane = (version: string | undefined): Lane => {
    const mark = glyph(version)
    const role = make('span', { class: 'lane-role' })
    const count = make('span', { class: 'lane-count' })
    const name = make('b', {}, version ?? 'no version')
    const element = make('div', { class: 'lane' }, make('p', { class: 'lane-head' }, mark, name, role, count))
    const lane = { element, role, count }
    lanes.set(version, lane)
    stage.append(element)
    return lane
  }

  const drawDots = (
    devices: readonly Dot[],
    tops: ReadonlyMap<string | undefined, number>,
    room: Room,
  ): void => {
    const spots = placeDevices(devices, room)
    stage.style.setProperty('--pitch', `${room.pitch}px`)
    const wanted = new Set(devices.map(({ key }) => key))
    for (const [key, dot] of dots) {
      if (wanted.has(key)) continue
      dot.remove()
      dots.delete(key)
    }
    for (const device of devices) {
      const spot = spots.get(device.key)
      if (!spot) continue
      const y = (tops.get(device.version) ?? 0) + LABEL_HEIGHT + RAIL_PADDING + (spot.row + 0.5) * room.pitch
      moveDot(dots.get(device.key) ?? addDot(device.key), device, spot.x, y)
    }
  }

  const addDot = (key: string): HTMLElement => {
    const dot = make(
      'div',
      { class: key === 'own' ? 'dot own' : 'dot', 'aria-hidden': 'true' },
      glyph(undefined),
    )
    if (key === 'own') dot.append(make('span', { class: 'own-label' }, 'you'))
    dots.set(key, dot)
    stage.append(dot)
    return dot
  }

  new ResizeObserver(() => {
    if (shown) draw(...shown)
  }).observe(stage)
  return { show: draw }
}

function moveDot(dot: HTMLElement, device: Dot, x: number, y: number): void {
  dot.style.transform = `translate(${x}px, ${y}px)`
  dot.title = device.title
  dot.classList.toggle('refused', device.failed.length > 0)
  if (dot.firstElementChild instanceof HTMLElement) setGlyph(dot.firstElementChild, device.version)
}

/** How far the candidate's share reaches from the left. */
function drawShare(share: HTMLElement, { candidate, coverage, killed }: TeamState): void {
  const reach = candidate === undefined || killed !== 'none' ? 0 : coverage
  share.style.setProperty('--reach', String(reach / 100))
  share.classList.toggle('none', reach === 0)
  const label = share.firstElementChild
  if (label && reach > 0) write(label, `${reach} %`)
}

/** Newest first; devices that run nothing come last. */
function laneVersions({ versions }: TeamState, devices: readonly Dot[]): readonly (string | undefined)[] {
  const known = [...versions].reverse()
  const others = [...new Set(devices.map(({ version }) => version))].filter(
    (version) => version === undefined || !known.includes(version),
  )
  return [
    ...known,
    ...others.filter((version) => version !== undefined),
    ...others.filter((v) => v === undefined),
  ]
}

function roleOf(version: string | undefined, { stable, candidate, killed }: TeamState): string {
  if (version === undefined) return killed === 'model' ? 'switched off' : 'starting'
  if (version === candidate) return killed === 'candidate' ? 'killed' : 'candidate'
  return version === stable ? 'stable' : ''
}

function fleetDot({ id, version, bucket, reason, failed }: FleetDevice): Dot {
  const place = bucket === undefined ? '' : `, bucket ${formatCount(bucket)}`
  const refused = failed.length > 0 ? `, refused ${failed.join(' and ')}` : ''
  const title = `Device ${id}: ${version ?? 'no version'}${place}, ${reason}${refused}`
  return { key: String(id), version, bucket, labelled: false, failed, title }
}

function ownDot({ version, bucket, failed }: OwnDevice): Dot {
  return {
    key: 'own',
    version,
    bucket,
    labelled: true,
    failed,
    title: `This browser: ${version ?? 'no version'}`,
  }
}

function summarise({ fleet }: TeamState, devices: readonly Dot[]): string {
  const refusing = devices.filter(({ failed }) => failed.length > 0)
  const refused = [...new Set(refusing.flatMap(({ failed }) => failed))].join(' and ')
  const simulated = `${plural(fleet.length, 'simulated device')}, each a real keeper, and this browser.`
  if (refusing.length === 0) return simulated
  return `${plural(refusing.length, 'device')} tried ${refused} and refused it (marked ×). ${simulated}`
}
