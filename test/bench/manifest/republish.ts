import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRepository, publish } from '@afield/cli'
import { createDevice } from 'afield/node'
import { startServer } from '../../servers/static.js'
import { LARGE_MLP, writeLargeMlp } from '../../support/large-mlp.js'
import { figure, type Figure } from '../figure.js'

const MIB = 2 ** 20

/** What a device fetches of a 38 MB model that was published again with only its last layer changed. */
export async function benchRepublish(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'afield-bench-'))
  const repo = join(folder, 'repo')
  await initRepository({ repo })
  const first = await writeLargeMlp(folder, { lastLayer: 1 })
  await publish({ model: first.file, version: '1.0.0', repo })
  const server = await startServer({ mounts: { '/repo': repo } })
  const device = createDevice({
    repository: `${server.url}/repo/`,
    root: await readFile(join(repo, 'metadata', '1.root.json'), 'utf8'),
  })
  const chunkBytes = (): number =>
    server.requests.filter(({ path }) => path.includes('/chunks/')).reduce((sum, { bytes }) => sum + bytes, 0)
  try {
    await device.load(LARGE_MLP)
    const whole = chunkBytes()
    const { lastLayerBytes, file } = await writeLargeMlp(folder, { lastLayer: 2 })
    await publish({ model: file, version: '2.0.0', repo })
    server.clearRequests()
    await device.check()
    const { version } = await device.load(LARGE_MLP)
    if (version !== '2.0.0') throw new Error(`${version} serves instead of the update`)
    return [
      figure('manifest/republish/first-download', 'MiB', [whole / MIB]),
      figure('manifest/republish/changed', 'MiB', [lastLayerBytes / MIB]),
      figure('manifest/republish/update', 'MiB', [chunkBytes() / MIB], {
        most: (1.1 * lastLayerBytes) / MIB + 4,
      }),
    ]
  } finally {
    await device.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
