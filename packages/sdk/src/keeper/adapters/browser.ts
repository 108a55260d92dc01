import type { Connection, Quota } from '../ports.js'

/** What the browser lets the site store, as far as it tells. */
export const browserQuota: Quota = {
  estimate: async () => {
    const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {}
    return usage === undefined || quota === undefined ? undefined : { usageBytes: usage, quotaBytes: quota }
  },
  persisted: async () => (await navigator.storage?.persisted?.()) ?? false,
}

/** https://wicg.github.io/netinfo/ and https://wicg.github.io/savedata/, where the browser has them. */
export function connectionOf(navigator: object): () => Connection {
  const { connection } = navigator as { connection?: { saveData?: boolean; type?: string } }
  return () => ({
    saveData: connection?.saveData === true,
    metered: connection?.type === 'cellular',
  })
}
