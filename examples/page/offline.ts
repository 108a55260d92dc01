/** Keeps the page's own files on this device, so that it starts without a network. */
export async function keepOffline(): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  if (serviceWorker.controller) {
    // Another build took over: its files and those of this page may not fit each other.
    serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
  }
  await serviceWorker.register('./sw.js')
  await serviceWorker.ready
}
