import type { EngineUrls } from '../engine/messages.js'

export type DeviceClass = 'desktop' | 'mobile' | 'other'

/** As much as may be known about a device: its class. */
export function deviceClass(): DeviceClass {
  const hints = (navigator as { userAgentData?: { mobile?: boolean } }).userAgentData
  if (hints?.mobile !== undefined) return hints.mobile ? 'mobile' : 'desktop'
  return /Mobi|Android/i.test(navigator.userAgent) ? 'mobile' : 'desktop'
}

/** True where the user told the browser to tell sites not to share data (https://www.w3.org/TR/gpc/). */
export function privacyControl(): boolean {
  return (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true
}

/** The engine's files, written so that every bundler sees and copies them. */
export function engineUrls(): EngineUrls {
  return {
    runtime: {
      mjs: new URL('../ort/ort-wasm-simd-threaded.mjs', import.meta.url).href,
      wasm: new URL('../ort/ort-wasm-simd-threaded.wasm', import.meta.url).href,
    },
    kinds: {
      image: new URL('../inputs/image.js', import.meta.url).href,
      audio: new URL('../inputs/audio.js', import.meta.url).href,
      text: new URL('../inputs/text.js', import.meta.url).href,
    },
  }
}

/** The workers, likewise. */
export function startKeeperWorker(): Worker {
  return new Worker(new URL('../keeper.worker.js', import.meta.url), {
    type: 'module',
    name: 'afield keeper',
  })
}

export function startEngineWorker(): Worker {
  return new Worker(new URL('../engine.worker.js', import.meta.url), {
    type: 'module',
    name: 'afield engine',
  })
}
