import type { Contract } from '../contract/contract.js'

/** A version that an app may meet, and what it takes and gives. */
export interface ServedContract {
  readonly version: string
  readonly contract: Contract
}

/** A model, and the versions that its rollout may serve: the stable one first. */
export interface DeclaredModel {
  readonly name: string
  readonly served: readonly [ServedContract, ...ServedContract[]]
}

/** Declarations that teach `load()` the models of a repository. */
export function declareModels(models: readonly DeclaredModel[]): string {
  const names = models.map(({ name }) => `    ${JSON.stringify(name)}: {}\n`).sort()
  return `// Written by \`afield types\`. Run it again when a contract changes; do not edit.\nexport {}\n\ndeclare module 'afield' {\n  interface Models {\n${names.join('')}  }\n}\n`
}
