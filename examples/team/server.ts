import type { IncomingMessage, ServerResponse } from 'node:http'
import { ACTIONS, type Action, type TourConfig } from './api.js'
import { Refusal, type Team } from './team.js'

export interface TeamServerOptions {
  readonly team: Team
  readonly config: TourConfig
  /** Origins whose pages may act: the site's own. */
  readonly origins: ReadonlySet<string>
}

/** At most this often, so that forty devices moving at once are not forty messages. */
const TELL_EVERY_MS = 100
const HEARTBEAT_MS = 15_000
const ACTION_PATH = /^\/team\/actions\/([a-z0-9-]+)$/

/**
 * Answers what is asked below `/team/`: `GET config.json`, `GET state`, `GET events` as a stream, and
 * `POST actions/<action>` from the site's own pages. Errors are `{error: {code, message}}`.
 */
export async function answerTeam(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  options: TeamServerOptions,
): Promise<void> {
  const action = ACTION_PATH.exec(path)?.[1]
  if (action !== undefined) return answerAction(request, response, action, options)
  if (request.method !== 'GET') return sendError(response, 405, 'http/method', 'Only GET is answered here.')
  switch (path) {
    case '/team/config.json':
      return sendJson(response, 200, options.config)
    case '/team/state':
      return sendJson(response, 200, options.team.state)
    case '/team/events':
      return streamState(response, options.team)
    default:
      return sendError(response, 404, 'http/not-found', 'There is nothing here.')
  }
}

async function answerAction(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  { team, origins }: TeamServerOptions,
): Promise<void> {
  if (request.method !== 'POST') return sendError(response, 405, 'http/method', 'An action is a POST.')
  // Any page of any site can send a POST to this machine; browsers say truly which one it is.
  if (!origins.has(request.headers.origin ?? '')) {
    return sendError(response, 403, 'http/origin', 'Actions are taken from this site’s own pages only.')
  }
  const action = ACTIONS.find((one) => one === name)
  if (action === undefined) {
    return sendError(response, 404, 'team/unknown', `The actions are: ${ACTIONS.join(', ')}.`)
  }
  await act(response, team, action)
}

async function act(response: ServerResponse, team: Team, action: Action): Promise<void> {
  try {
    sendJson(response, 200, await team.act(action))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    sendError(response, 409, error.code, error.message)
  }
}

function streamState(response: ServerResponse, team: Team): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let waiting: ReturnType<typeof setTimeout> | undefined
  const send = (): void => {
    waiting = undefined
    response.write(`data: ${JSON.stringify(team.state)}\n\n`)
  }
  const stop = team.subscribe(() => (waiting ??= setTimeout(send, TELL_EVERY_MS)))
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS)
  response.on('close', () => {
    stop()
    clearTimeout(waiting)
    clearInterval(heartbeat)
  })
  send()
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  sendJson(response, status, { error: { code, message } })
}
