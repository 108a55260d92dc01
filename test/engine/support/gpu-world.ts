import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import digits from '../../models/afield.config.json' with { type: 'json' }
import { startServer, type StaticServer } from '../../servers/static.js'
import { buildApp } from '../../support/app/build.js'
import { onnxFile, type Graph } from '../../support/models/onnx.js'
import { SCALES_CONTRACT, SCALES_GOLDEN, scales } from './scales.js'

/** A repository with models that double a number, and an app that loads them. */
export interface GpuWorld {
  readonly server: StaticServer
  readonly url: string
  readonly options: { readonly repository: string; readonly root: string }
  close(): Promise<void>
}

/**
 * @param models their names, and the graph that each has for WebGPU; `same` for one graph on every backend.
 */
export async function startGpuWorld(
  models: Readonly<Record<string, Graph | 'same'>>,
  { isolated = false } = {},
): Promise<GpuWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-gpu-'))
  const repo = join(folder, 'repo')
  const app = join(folder, 'app')
  const { root } = await initRepository({ repo })
  for (const [name, forGpu] of Object.entries(models)) {
    const dir = join(folder, name)
    await mkdir(dir)
    const model = join(dir, `${name}.onnx`)
    await writeFile(model, onnxFile(scales(2)))
    await writeFile(join(dir, `${name}.golden.json`), JSON.stringify(SCALES_GOLDEN))
    const variants = [{ variant: 'fp32', model: 'gpu.onnx', backends: ['webgpu'] }]
    if (forGpu !== 'same') await writeFile(join(dir, 'gpu.onnx'), onnxFile(forGpu))
    const config = {
      ...digits,
      name,
      contract: SCALES_CONTRACT,
      ...(forGpu === 'same' ? {} : { backends: ['wasm'], variants }),
    }
    await writeFile(join(dir, 'afield.config.json'), JSON.stringify(config))
    // What runs on WebGPU here is to be found out on the device.
    await publish({ repo, model, version: '1.0.0', author: 'Tests', skipReplay: true })
  }
  await buildApp({
    root: join(import.meta.dirname, '..', '..', 'support', 'app'),
    outDir: app,
    base: '/app/',
  })
  const server = await startServer({ mounts: { '/app': app, '/repo': repo }, isolated })
  return {
    server,
    url: `${server.url}/app/`,
    options: { repository: `${server.url}/repo/`, root: await readFile(root, 'utf8') },
    close: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
