import type { Connection, Gpu, Hardware, Quota } from '../ports.js'

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

/** https://www.w3.org/TR/webgpu/ and https://www.w3.org/TR/webnn/, where the browser has them. */
export function hardwareOf(navigator: Navigator | WorkerNavigator): Hardware {
  return {
    build: 'Suspending' in WebAssembly ? 'jspi' : 'asyncify',
    hasWebNN: 'ml' in navigator,
    findGpu: async (): Promise<Gpu | undefined> => {
      const adapter = await (navigator as Partial<NavigatorGPU>).gpu?.requestAdapter()
      if (!adapter) return undefined
      // Browsers had GPUs before these could be asked what they are.
      const { info = {} } = adapter as { readonly info?: Partial<GPUAdapterInfo> }
      const { vendor, architecture, device, description } = info
      const limits: Record<string, number> = {}
      // All of them are accessors of its prototype.
      for (const name in adapter.limits) limits[name] = adapter.limits[name as keyof GPUSupportedLimits]
      return {
        name: [vendor, architecture, device, description].filter(Boolean).join('/'),
        features: [...adapter.features],
        limits,
      }
    },
  }
}
