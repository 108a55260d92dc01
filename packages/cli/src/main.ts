#!/usr/bin/env node
import process from 'node:process'
import { AfieldError } from '@afield/protocol'
import { Command, CommanderError } from 'commander'
import { addBundle } from './commands/bundle.js'
import { addDeploy } from './commands/deploy.js'
import { addFetch } from './commands/fetch.js'
import { addInit } from './commands/init.js'
import { addExample } from './commands/options.js'
import { addPublish } from './commands/publish.js'
import { addRollout } from './commands/rollout.js'
import { addServe } from './commands/serve.js'
import { CliError } from './errors.js'
import { VERSION } from './version.js'

/** 0: done. 1: refused or failed. 2: the command was not understood. */
type ExitCode = 0 | 1 | 2

process.exitCode = await main(process.argv)

async function main(argv: readonly string[]): Promise<ExitCode> {
  const json = argv.includes('--json')
  try {
    await buildProgram(json).parseAsync(argv)
    return 0
  } catch (error) {
    return report(error, json)
  }
}

function buildProgram(json: boolean): Command {
  const program = new Command('afield')
    .description('Publish models to browsers and steer their rollout.')
    .version(VERSION)
    // `publish --version 1.0.0` is that command's own option, not the question for the CLI's version.
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('Add --help for the options and an example.')
  if (json) program.configureOutput({ writeErr: () => {} })
  addExample(
    program,
    'afield init models-repo',
    'afield publish model.onnx --version 1.0.0 --repo models-repo',
    'afield serve models-repo',
  )
  addInit(program)
  addPublish(program)
  addRollout(program)
  addFetch(program)
  addBundle(program)
  addDeploy(program)
  addServe(program)
  return program
}

function report(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  const usage = error instanceof CommanderError || (error instanceof CliError && error.code === 'usage')
  const known = error instanceof CliError || error instanceof AfieldError
  const code = usage ? 'usage' : known ? error.code : 'internal/unexpected'
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`)
  // Commander has said what was wrong with the arguments already.
  else if (!(error instanceof CommanderError)) process.stderr.write(`${code}: ${message}\n`)
  return usage ? 2 : 1
}
