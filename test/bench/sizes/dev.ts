import { once } from 'node:events'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launchChromium } from '../../browser/chromium.js'
import { startDevCommand } from '../../support/dev-command.js'
import { figure, type Figure } from '../figure.js'

const MODEL = fileURLToPath(
  new URL('../../../examples/learner-risk/models/learner-risk-1.0.0.onnx', import.meta.url),
)
const ROUNDS = 5

/** From the command `afield dev model.onnx`, in a folder with nothing else, to an answer on its page. */
export async function benchDev(): Promise<Figure> {
  const seconds: number[] = []
  for (let round = 0; round < ROUNDS; round++) seconds.push(await firstAnswer())
  return figure('sizes/dev-to-a-prediction', 's', seconds, { most: 10 })
}

async function firstAnswer(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'afield-bench-dev-'))
  const browser = await launchChromium()
  await copyFile(MODEL, join(dir, 'model.onnx'))
  const started = performance.now()
  const command = startDevCommand([join(dir, 'model.onnx')])
  try {
    const { url } = await command.said()
    const page = await browser.open(String(url))
    await page.evaluate(async () => {
      const answered = (): boolean => document.querySelector('[data-output]')?.textContent !== ''
      while (!document.querySelector('[data-output]') || !answered()) {
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })
    return (performance.now() - started) / 1000
  } finally {
    await browser.close()
    const ended = once(command.process, 'exit')
    command.process.kill('SIGINT')
    await ended
    await rm(dir, { recursive: true, force: true })
  }
}
