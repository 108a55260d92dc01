// Written by `afield types`. Run it again when a contract changes; do not edit.
/* eslint-disable */
import type { AudioLike, ImageLike, TensorLike, TensorValue } from 'afield'

declare module 'afield' {
  interface Models {
    /** As 1.0.0 is. */
    readonly 'content-check': {
      /**
       * What was typed.
       * At most 10000 UTF-16 units.
       */
      readonly input: string
      readonly outputs: {
        readonly share: number
        /** Whether share is at least 0.5. */
        readonly unkind: boolean
      }
    }
    /** As 1.0.0 is. */
    readonly 'digit-reader': {
      /** Becomes 8 × 8 pixels (stretch). */
      readonly input: ImageLike
      readonly outputs: {
        /** The best 2, best first. */
        readonly digits: readonly { readonly label: '0' | '1' | '2'; readonly score: number }[]
      }
    }
    /** As 1.0.0 is. */
    readonly 'embedding': {
      /** Of shape [any, 8]. */
      readonly input: TensorLike<'float32'> | { readonly vector: TensorLike<'float32'> }
      readonly outputs: {
        readonly norm: number
      }
    }
    /** As 1.0.0 is. */
    readonly 'enrolment': {
      readonly input: {
        /**
         * Your own key for the learner.
         * Given back with the answer; the model never sees it.
         */
        readonly learner?: string | number | null | undefined
        readonly plan: 'free' | 'team' | "teacher's"
        /** Left out, it counts as 0. */
        readonly mobile?: boolean | null | undefined
        /** A whole number from 0. */
        readonly courses?: number | null | undefined
        /** At most 200 UTF-16 units. */
        readonly goal: string
      }
      readonly outputs: {
        readonly score: number
        /** By score: low, high from 0.6. */
        readonly interest: 'low' | 'high'
        readonly next_step: { readonly label: 'call' | 'write'; readonly score: number }
        /**
         * Your own key for the learner.
         * Given back with the answer; the model never sees it.
         */
        readonly learner?: string | number | undefined
      }
    }
    /** As 1.0.0 is. */
    readonly 'learner-risk': {
      readonly input: {
        /**
         * Time spent studying.
         * A number from 0 to 60 (hours per week).
         */
        readonly hours_studied: number
        /**
         * Score of the latest quiz.
         * A number from 0 to 100 (points).
         */
        readonly quiz_score: number
      }
      readonly outputs: {
        /**
         * Estimated probability that the learner needs support.
         * A number from 0 to 1.
         */
        readonly risk_score: number
        /**
         * True from a risk of 0.7 on.
         * Whether risk_score is at least 0.7.
         */
        readonly needs_support: boolean
      }
    }
    /** As 1.0.0 is. */
    readonly 'vibration': {
      readonly input: {
        /**
         * Acceleration in g.
         * Of shape [any, 128, 3].
         */
        readonly window: TensorLike<'float32'>
        /** Of shape [any]. */
        readonly 'machine/id': TensorLike<'int64'>
      }
      readonly outputs: {
        readonly spectrum: TensorValue
      }
    }
    /** As 1.0.0 is. */
    readonly 'wake-word': {
      /** 16000 samples a second; at most 2 seconds. */
      readonly input: AudioLike
      readonly outputs: {
        /** A number from 0 to 1. */
        readonly heard: number
      }
    }
  }
}
