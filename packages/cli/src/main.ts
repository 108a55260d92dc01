#!/usr/bin/env node
import process from 'node:process'
import { AfieldError } from '@afield/protocol'
import { Command, CommanderError } from 'commander'
import { addBundle } from './commands/bundle.js'
import { addDeploy } from './commands/deploy.js'
import { addFetch } from './commands/fetch.js'
import { addAlias } from './commands/alias.js'
import { addApprove } from './commands/approve.js'
import { addCard } from './commands/card.js'
import { addDocs } from './commands/docs.js'
import { Exit, type ExitCode } from './commands/exit.js'
import { addInit } from './commands/init.js'
import { addList } from './commands/list.js'
import { addLog } from './commands/log.js'
import { addMinVersion } from './commands/min-version.js'
import { addDev } from './commands/dev.js'
import { addExample } from './commands/options.js'
import { complain, print } from './commands/print.js'
import { addPublish } from './commands/publish.js'
import { addRefresh } from './commands/refresh.js'
import { addRevoke } from './commands/revoke.js'
import { addRollout } from './commands/rollout.js'
import { addRotate } from './commands/rotate.js'
import { addServe } from './commands/serve.js'
import { addShow } from './commands/show.js'
import { addTypes } from './commands/types.js'
import { addVerify } from './commands/verify.js'
import { diskRefusal } from './disk.js'
import { CliError } from './errors.js'
import { plainText } from './plain-text.js'
import { ProposalWaiting } from './repository/write/propose.js'
import { VERSION } from './version.js'

process.exitCode = await main(process.argv)

async function main(argv: readonly string[]): Promise<ExitCode> {
  const json = argv.includes('--json')
  try {
    await buildProgram(json).parseAsync(argv)
    return 0
  } catch (error) {
    return report(diskRefusal(error) ?? error, json)
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
  program.configureOutput({ writeErr: (text) => (json ? undefined : process.stderr.write(plainText(text))) })
  addExample(
    program,
    'afield dev model.onnx rows.csv',
    'afield init models-repo',
    'afield publish model.onnx --version 1.0.0 --repo models-repo',
    'afield serve models-repo',
  )
  addDev(program)
  addInit(program)
  addPublish(program)
  addRollout(program)
  addFetch(program)
  addBundle(program)
  addDeploy(program)
  addServe(program)
  addList(program)
  addShow(program)
  addTypes(program)
  addCard(program)
  addDocs(program)
  addAlias(program)
  addRevoke(program)
  addMinVersion(program)
  addRefresh(program)
  addRotate(program)
  addApprove(program)
  addVerify(program)
  addLog(program)
  return program
}

function report(error: unknown, json: boolean): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  if (error instanceof Exit) return error.code
  if (error instanceof ProposalWaiting) return reportProposal(error, json)
  const usage = error instanceof CommanderError || (error instanceof CliError && error.code === 'usage')
  const known = error instanceof CliError || error instanceof AfieldError
  const code = usage ? 'usage' : known ? error.code : 'internal/unexpected'
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
  if (json) print({ json }, { error: { code, message } }, [])
  // Commander has said what was wrong with the arguments already.
  else if (!(error instanceof CommanderError)) complain(`${code}: ${message}`)
  return usage ? 2 : 1
}

/** Nothing failed: the work is done as far as this person can do it. */
function reportProposal({ message, proposal, lacking }: ProposalWaiting, json: boolean): ExitCode {
  const { id, file } = proposal
  print(json ? { json } : {}, { status: 'waiting', id, file, lacking, message }, [message])
  return 3
}
