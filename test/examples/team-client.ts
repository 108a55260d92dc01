import type { Action, CommandRun, TeamState } from '../../examples/team/api.js'

/** What the tour's page does with the team's server, from Node. */
export interface TeamClient {
  state(): Promise<TeamState>
  /** The first state of the stream that the page listens to. */
  firstEvent(): Promise<TeamState>
  act(action: Action): Promise<CommandRun>
  /** An action as some page would ask for it; undefined origin: no page at all. */
  post(
    action: string,
    origin: string | undefined,
  ): Promise<{ readonly status: number; readonly code: string }>
}

/** @param site any URL of the tour's site */
export function teamClient(site: string): TeamClient {
  const { origin } = new URL(site)
  const post = (action: string, from: string | undefined): Promise<Response> =>
    fetch(`${origin}/team/actions/${action}`, {
      method: 'POST',
      headers: from === undefined ? {} : { origin: from },
    })
  return {
    state: async () => (await (await fetch(`${origin}/team/state`)).json()) as TeamState,
    firstEvent: async () => {
      const stop = new AbortController()
      const response = await fetch(`${origin}/team/events`, { signal: stop.signal })
      try {
        return parseEvent(await readUntil(response, '\n\n'))
      } finally {
        stop.abort()
      }
    },
    act: async (action) => {
      const response = await post(action, origin)
      if (!response.ok) throw new Error(`${action} was answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as CommandRun
    },
    post: async (action, from) => {
      const response = await post(action, from)
      const { error } = (await response.json()) as { error: { code: string } }
      return { status: response.status, code: error.code }
    },
  }
}

async function readUntil(response: Response, end: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(end)) break
  }
  return text
}

function parseEvent(text: string): TeamState {
  return JSON.parse(text.slice(text.indexOf('data: ') + 6, text.indexOf('\n\n'))) as TeamState
}
