import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import type { ServingOptions } from 'afield'
import type { Page } from '../../browser/browser.js'
import { startServer, type StaticServer } from '../../servers/static.js'
import { testApp } from '../../support/app/test-app.js'
import { writeDigitsTensors } from '../../support/digits-tensors.js'
import { writeLoopModel } from '../../support/loop-model.js'

declare global {
  /** The engines' workers of this page, in the order they were started; see {@link loadOn}. */
  var engineWorkers: Worker[]
  /** How many questions each of them answered, in the same order, and which of them were ended. */
  var engineAnswers: { count: number; isEnded: boolean }[]
}

/**
 * A repository and an app on one host. The repository holds `loop` and `digits-tensors`, and as `digits-twice` the same
 * with a contract that gives its one tensor under two names.
 */
export interface EngineWorld {
  readonly server: StaticServer
  /** The app's page. */
  readonly url: string
  readonly root: string
  close(): Promise<void>
}

export async function startEngineWorld({ isolated = false } = {}): Promise<EngineWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-engine-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  const writeTwice = (dir: string): Promise<string> =>
    writeDigitsTensors(dir, 'digits-twice', ['one', 'other'])
  for (const write of [writeDigitsTensors, writeTwice, writeLoopModel]) {
    const dir = await mkdtemp(join(folder, 'model-'))
    await publish({ model: await write(dir), version: '1.0.0', repo })
  }
  const server = await startServer({ mounts: { '/app': testApp(), '/repo': repo }, isolated })
  return {
    server,
    url: `${server.url}/app/`,
    root: await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'),
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Loads a model on the page as `model`, and keeps the workers of its engines where a test can end them. */
export async function loadOn(
  page: Page,
  { server, root }: EngineWorld,
  name: string,
  options: ServingOptions = {},
): Promise<void> {
  await page.evaluate(
    async (given) => {
      if (!globalThis.engineWorkers) {
        globalThis.engineWorkers = []
        globalThis.engineAnswers = []
        const Started = Worker
        globalThis.Worker = class extends Started {
          constructor(url: string | URL, init?: WorkerOptions) {
            super(url, init)
            if (init?.name !== 'afield engine') return
            engineWorkers.push(this)
            const answers = { count: 0, isEnded: false }
            engineAnswers.push(answers)
            this.addEventListener('message', ({ data }) => (answers.count += data.answers?.length ?? 0))
            const end = this.terminate.bind(this)
            this.terminate = () => {
              answers.isEnded = true
              end()
            }
          }
        }
      }
      globalThis.afield ??= createAfield({ repository: given.repository, root: given.root, logger: () => {} })
      globalThis.model = await afield.load(given.name, given.options)
    },
    { repository: `${server.url}/repo/`, root, name, options },
  )
}
