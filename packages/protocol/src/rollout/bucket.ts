/** Buckets that devices are spread over; also the unit of coverage: 10,000 basis points are everyone. */
export const BUCKETS = 10_000

/**
 * The bucket of a device under a seed, 0 to 9,999: GrowthBook's hash version 2 (nested FNV-1a over UTF-16 code
 * units, https://docs.growthbook.io/lib/build-your-own#hashing), so that a flag vendor can compute the same.
 */
export function deviceBucket(seed: string, deviceId: string): number {
  return fnv1a32(String(fnv1a32(seed + deviceId))) % BUCKETS
}

function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return hash >>> 0
}
