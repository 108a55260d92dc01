/** How a graph's scores become shares: over all classes, or each for itself. */
export type Activation = 'none' | 'softmax' | 'sigmoid'

/** Scores after their activation, in doubles. */
export function activate(scores: readonly number[], activation: Activation): readonly number[] {
  if (activation === 'none') return scores
  if (activation === 'sigmoid') return scores.map((score) => 1 / (1 + Math.exp(-score)))
  const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const powers = scores.map((score) => Math.exp(score - largest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/** Positions of the k largest, the largest first; of equals, the one that stands first. */
export function largest(scores: readonly number[], k: number): readonly number[] {
  if (k === 1) return [scores.reduce((best, score, i) => (score > (scores[best] ?? score) ? i : best), 0)]
  return scores
    .map((_, i) => i)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, k)
}
