import { expect } from 'vitest'
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
    asked: () => expect.poll(() => repository.requests().some((path) => path.startsWith(folder))).toBe(true),
    letGo: () => {
      repository.server.clearFaults()
      letGo()
    },
  }
}
