import type { ResolvedConfig } from 'vite'

/** What a plugin of Afield takes for itself alone; an app with two repositories has two of them. */
export interface Claims {
  readonly path: string
  readonly types: string | false
  readonly offline: boolean
}

/** @throws Error that says which option to change. */
export function refuseClashes({ plugins, base, command }: ResolvedConfig): void {
  const claims = plugins.filter(({ name }) => name === 'afield').map(({ api }) => api as Claims)
  const paths = claims.map(({ path }) => path)
  if (paths.includes('/')) {
    throw new Error(
      'afield: `path` must name a folder such as "/models/", or no page of the app would be served.',
    )
  }
  refuseTwice(paths, '`path`')
  refuseTwice(
    claims.map(({ types }) => types).filter((types) => types !== false),
    '`types`',
  )
  const offline = claims.filter((claim) => claim.offline)
  if (offline.length > 1) throw new Error('afield: two plugins have `offline`; one keeps the files of both.')
  if (offline.length > 0 && command === 'build' && /^([a-z]+:)?\/\//i.test(base)) {
    throw new Error(
      `afield: \`offline\` keeps files of the page's own origin only. Make \`base\` a path instead of ${base}.`,
    )
  }
}

function refuseTwice(values: readonly string[], option: string): void {
  const twice = values.find((value, at) => values.indexOf(value) !== at)
  if (twice === undefined) return
  throw new Error(`afield: two plugins have the ${option} ${twice}. Give each repository one of its own.`)
}
