import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import digits from '../../models/afield.config.json' with { type: 'json' }
import { startServer, type StaticServer } from '../../servers/static.js'
import { testApp } from '../../support/app/test-app.js'
import { onnxFile, type Graph } from '../../support/models/onnx.js'
import { SCALES_CONTRACT, SCALES_GOLDEN, labours, large, scales } from './scales.js'

/** The graph that a model has for WebGPU; by name, one that it has for every backend. */
export type ForGpu = Graph | 'same' | 'labours' | 'large'

const ON_WASM = { same: scales(2), labours, large }

/** As `SECURITY.md` has it: GPUs are driven under it, too. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'"

/** A repository with models that double a number, and an app that loads them. */
export interface GpuWorld {
  readonly server: StaticServer
  readonly url: string
  readonly options: { readonly repository: string; readonly root: string }
  publish(name: string, version: string, forGpu: ForGpu): Promise<void>
  close(): Promise<void>
}

/**
 * @param models their names and graphs.
 * @param prelude what each worker runs first, to make the browser one that lacks something.
 */
export async function startGpuWorld(
  models: Readonly<Record<string, ForGpu>>,
  { isolated = false, prelude = '' }: { readonly isolated?: boolean; readonly prelude?: string } = {},
): Promise<GpuWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-gpu-'))
  const repo = join(folder, 'repo')
  const app = join(folder, 'app')
  const { root } = await initRepository({ repo })
  const publishModel = async (name: string, version: string, forGpu: ForGpu): Promise<void> => {
    const dir = join(folder, `${name}-${version}`)
    await mkdir(dir)
    const model = join(dir, `${name}.onnx`)
    await writeFile(model, onnxFile(typeof forGpu === 'string' ? ON_WASM[forGpu] : scales(2)))
    await writeFile(join(dir, `${name}.golden.json`), JSON.stringify(SCALES_GOLDEN))
    const variants = [{ variant: 'fp32', model: 'gpu.onnx', backends: ['webgpu'] }]
    if (typeof forGpu === 'object') await writeFile(join(dir, 'gpu.onnx'), onnxFile(forGpu))
    const config = {
      ...digits,
      name,
      contract: SCALES_CONTRACT,
      ...(typeof forGpu === 'object' ? { backends: ['wasm'], variants } : {}),
    }
    await writeFile(join(dir, 'afield.config.json'), JSON.stringify(config))
    // What runs on WebGPU here is to be found out on the device.
    await publish({ repo, model, version, author: 'Tests', skipReplay: true })
  }
  for (const [name, forGpu] of Object.entries(models)) await publishModel(name, '1.0.0', forGpu)
  await cp(testApp(), app, { recursive: true })
  await prepend(app, prelude)
  const server = await startServer({ mounts: { '/app': app, '/repo': repo }, isolated, policy: POLICY })
  return {
    server,
    url: `${server.url}/app/`,
    options: { repository: `${server.url}/repo/`, root: await readFile(root, 'utf8') },
    publish: publishModel,
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function prepend(app: string, prelude: string): Promise<void> {
  const files = await readdir(app, { recursive: true })
  for (const file of files.filter((name) => /worker[^/]*\.js$/.test(name))) {
    const path = join(app, file)
    await writeFile(path, prelude + (await readFile(path, 'utf8')))
  }
}
