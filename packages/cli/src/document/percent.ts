/** A share as people write it: 0.07 is `7 %`, without the digits that binary fractions leave. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`
}
