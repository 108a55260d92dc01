import { decide, deviceBucket, type DecisionInput, type Rollout } from '@afield/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { index, rollout } from './support/documents.js'

describe('raising the coverage', () => {
  const coverages = fc
    .tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 10_000 }))
    .map(([a, b]) => (a < b ? ([a, b] as const) : ([b, a] as const)))
  const at = (coverage: number, seed: string): Rollout => rollout({ coverage, seed })
  const versions = index(['1.0.0', '2.0.0'])
  const inCanary = (input: Pick<DecisionInput, 'rollout' | 'deviceId' | 'assignment'>): boolean => {
    const decision = decide({ index: versions, failedHere: new Set(), ...input })
    return decision.kind === 'serve' && decision.version === '2.0.0'
  }

  test('never drops a device, remembered or not', () => {
    fc.assert(
      fc.property(coverages, fc.uuid(), fc.stringMatching(/^[a-z]{1,20}$/), ([low, high], deviceId, seed) => {
        fc.pre(inCanary({ rollout: at(low, seed), deviceId, assignment: undefined }))
        expect(inCanary({ rollout: at(high, seed), deviceId, assignment: undefined })).toBe(true)
      }),
    )
  })

  test('lets in exactly the devices between the two', () => {
    fc.assert(
      fc.property(coverages, fc.uuid(), ([low, high], deviceId) => {
        const before = inCanary({ rollout: at(low, 's'), deviceId, assignment: undefined })
        const after = inCanary({ rollout: at(high, 's'), deviceId, assignment: undefined })
        const bucket = deviceBucket('s', deviceId)
        expect(after && !before).toBe(bucket >= low && bucket < high)
      }),
    )
  })
})
