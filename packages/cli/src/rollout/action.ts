/** What can be done to a rollout. Versions are SemVer, coverages basis points (10,000 are everyone). */
export type RolloutAction =
  | StartAction
  | {
      readonly kind: 'step'
      /** The next step of the ladder when left out. */
      readonly to?: number | undefined
    }
  | { readonly kind: 'abort' | 'promote' | 'pause' | 'resume' | 'revive' }
  | { readonly kind: 'kill'; readonly what: 'model' | 'candidate' }
  /** Names a version, or takes the name away where no version is given. */
  | { readonly kind: 'alias'; readonly alias: string; readonly version?: string | undefined }

/** A new rollout: a new epoch with a new seed, beginning at its first step. Without a candidate it pins `stable`. */
export interface StartAction {
  readonly kind: 'start'
  readonly candidate?: string | undefined
  /** The current rollout's stable version, else the highest release besides the candidate, when left out. */
  readonly stable?: string | undefined
  /** 5, 25 and 100 % when left out. */
  readonly steps?: readonly number[] | undefined
  /** Decides which devices come first; random when left out. */
  readonly seed?: string | undefined
}
