import { vi } from 'vitest'
import type { TestRepository } from './repository.js'

/** Answers that a host keeps back until the test lets them go. */
export interface HeldBack {
  /** Resolves when something was asked for that is held back. */
  readonly asked: () => Promise<void>
  readonly letGo: () => void
}

/** @param pattern of paths in the repository, such as `chunks/**`. */
export function holdBack(repository: TestRepository, pattern: string): HeldBack {
  let letGo: () => void = () => undefined
  const until = new Promise<void>((resolve) => (letGo = resolve))
  repository.server.clearRequests()
  repository.server.fault(`/repository/${pattern}`, { kind: 'hold', until })
  const [folder = ''] = pattern.split('/')
  return {
    asked: () =>
      vi.waitFor(() => {
        if (!repository.requests().some((path) => path.startsWith(folder))) throw new Error('nobody asked')
      }, 10_000),
    letGo: () => {
      repository.server.clearFaults()
      letGo()
    },
  }
}
