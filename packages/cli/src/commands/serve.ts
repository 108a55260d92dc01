import { once } from 'node:events'
import process from 'node:process'
import type { Command } from 'commander'
import { serveRepository } from '../serve.js'
import { addExample, addJsonOption } from './options.js'
import { parsePort } from './port.js'
import { print } from './print.js'

interface ServeCommandOptions {
  readonly port: number
  readonly host: string
  readonly json?: true
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('serve a repository over HTTP, for trying things out')
    .argument('[dir]', "the repository's folder", process.env['AFIELD_REPO'] ?? './afield-repo')
    .option('--port <number>', '0 takes a free one', parsePort, 8787)
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
  addJsonOption(command)
  addExample(command, 'afield serve models-repo --port 0')
  command.action(async (dir: string, options: ServeCommandOptions) => {
    const server = await serveRepository(dir, options)
    print(options, { url: server.url }, [`ready ${server.url}`])
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    await server.close()
  })
}
