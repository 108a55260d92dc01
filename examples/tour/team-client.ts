import type { Action, CommandRun, TeamState } from '../team/api.js'

const RETRY_MS = 3000

/** What the page knows of the team's server. A lost one is asked again every few seconds. */
export type TeamLink =
  | { readonly state: 'connecting' }
  | { readonly state: 'live'; readonly team: TeamState }
  | { readonly state: 'lost' }

export interface TeamClient {
  subscribe(listener: (link: TeamLink) => void): void
  /**
   * Runs an action's command. A command that failed is an answer too, with `ok: false`.
   *
   * @throws Error when the server cannot be reached or refuses.
   */
  run(action: Action): Promise<CommandRun>
}

export function connectTeam(base = '/team'): TeamClient {
  const listeners = new Set<(link: TeamLink) => void>()
  let link: TeamLink = { state: 'connecting' }
  const tell = (next: TeamLink): void => {
    link = next
    for (const listener of listeners) listener(link)
  }
  const listen = (): void => {
    const events = new EventSource(`${base}/events`)
    events.onmessage = ({ data }: MessageEvent<string>) =>
      tell({ state: 'live', team: JSON.parse(data) as TeamState })
    events.onerror = () => {
      // An EventSource that met an HTTP error gives up for good, so every one is replaced.
      events.close()
      tell({ state: 'lost' })
      setTimeout(listen, RETRY_MS)
    }
  }
  listen()
  return {
    subscribe: (listener) => {
      listeners.add(listener)
      listener(link)
    },
    run: async (action) => {
      const response = await fetch(`${base}/actions/${action}`, { method: 'POST' })
      const body = (await response.json()) as CommandRun | { readonly error: { readonly message: string } }
      if ('error' in body) throw new Error(body.error.message)
      return body
    },
  }
}
