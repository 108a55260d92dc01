import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serveRepository } from '@afield/cli'
import { Updater } from 'tuf-js'
import { temporaryFolder } from './workspace.js'

/** What another TUF client, tuf-js, believes of a repository over HTTP, from its first root. */
export async function readAsTuf(
  repo: string,
  targets: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const server = await serveRepository(repo, { port: 0 })
  const dir = await temporaryFolder()
  try {
    await copyFile(join(repo, 'metadata', '1.root.json'), join(dir, 'root.json'))
    await mkdir(join(dir, 'targets'))
    const updater = new Updater({
      metadataDir: dir,
      metadataBaseUrl: `${server.url}metadata`,
      targetDir: join(dir, 'targets'),
      targetBaseUrl: `${server.url}targets`,
    })
    await updater.refresh()
    const read = async (target: string): Promise<string | undefined> => {
      const info = await updater.getTargetInfo(target)
      return info && readFile(await updater.downloadTarget(info), 'utf8')
    }
    const texts: (string | undefined)[] = []
    for (const target of targets) texts.push(await read(target))
    return texts
  } finally {
    await server.close()
  }
}
