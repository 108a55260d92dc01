import { AfieldError, type Model } from 'afield'
import { byId } from '../page/dom.js'
import { inPercent, scoredLabels } from './answer.js'
import { loadHeldOut, type HeldOut } from './held-out.js'

/** Images asked together; a step of the progress bar. */
const AT_ONCE = 15
/** Between steps, so that they can be watched. */
const PAUSE_MS = 40
/** How far a probability may be from scikit-learn's and count as the same. */
const TOLERANCE = 1e-4

const button = byId('replay', HTMLButtonElement)
const progress = byId('replay-progress', HTMLProgressElement)
const verdict = byId('replay-verdict', HTMLElement)
const wrongList = byId('wrong', HTMLElement)

interface Tally {
  readonly version: string
  done: number
  agree: number
  right: number
}

let model: Model | undefined
let heldOut: readonly HeldOut[] = []
let tally: Tally | undefined
/** Whether it is to go on. */
let running = false
/** Whether it goes on, which it does for a moment after it was paused. */
let underWay = false

/** From now on the replay asks this model; begun on another, it begins anew. */
export function replayWith(next: Model): void {
  if (model !== next) tally = undefined
  model = next
  button.disabled = false
}

button.addEventListener('click', () => {
  running = !running
  showButton()
  if (running && !underWay) void start()
})

async function start(): Promise<void> {
  underWay = true
  try {
    await replay()
  } catch (error) {
    verdict.textContent = `The replay stopped: ${error instanceof Error ? error.message : String(error)}`
    if (!(error instanceof AfieldError)) throw error
  } finally {
    underWay = false
    running = false
    showButton()
  }
}

async function replay(): Promise<void> {
  if (heldOut.length === 0) heldOut = await loadHeldOut()
  if (tally?.done === heldOut.length) tally = undefined
  for (;;) {
    if (!running || !model) return
    const from = tally?.done ?? 0
    const pack = heldOut.slice(from, from + AT_ONCE)
    const { results, failures, modelVersion } = await model.predictMany(pack.map(({ image }) => image))
    const [failure] = failures
    if (failure) throw failure.error
    // Another version took over: its answers are not this one's.
    if (tally && tally.version !== modelVersion) {
      tally = undefined
      continue
    }
    if (!tally) {
      tally = { version: modelVersion, done: 0, agree: 0, right: 0 }
      wrongList.replaceChildren()
    }
    for (const { index, outputs } of results) {
      const image = pack[index]
      if (image) count(tally, image, scoredLabels(outputs['candidates']))
    }
    show(tally)
    if (tally.done === heldOut.length) return
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

function count(into: Tally, image: HeldOut, candidates: ReturnType<typeof scoredLabels>): void {
  const said = candidates[0]?.label
  const furthest = Math.max(
    ...candidates.map(({ label, score }) => Math.abs(score - (image.probabilities[Number(label)] ?? NaN))),
  )
  into.done += 1
  if (said === image.predicted && furthest <= TOLERANCE) into.agree += 1
  if (said === image.label) into.right += 1
  else wrongList.append(figureOf(image, said ?? '?', candidates[0]?.score ?? NaN))
}

function show({ version, done, agree, right }: Tally): void {
  progress.max = heldOut.length
  progress.value = done
  const sentence = `Version ${version}: ${agree} of ${done} agree with scikit-learn`
  verdict.textContent =
    done < heldOut.length
      ? `${sentence} so far.`
      : `${sentence}, class and probabilities. ${right} of ${done} are right: ${((100 * right) / done).toFixed(1)} %.`
}

function showButton(): void {
  const halfway = tally !== undefined && tally.done < heldOut.length
  button.textContent = running ? 'Pause' : halfway ? 'Go on' : tally ? 'Replay again' : 'Replay all'
}

/** An image that is read wrongly, in this browser as by scikit-learn. */
function figureOf({ image, label }: HeldOut, said: string, score: number): HTMLElement {
  const figure = document.createElement('figure')
  const canvas = document.createElement('canvas')
  canvas.width = image.width
  canvas.height = image.height
  canvas.getContext('2d')?.putImageData(image, 0, 0)
  canvas.role = 'img'
  canvas.ariaLabel = `A ${label}`
  const caption = document.createElement('figcaption')
  caption.textContent = `${label}, read as ${said} (${inPercent(score)})`
  figure.append(canvas, caption)
  return figure
}
