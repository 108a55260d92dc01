import { delegatesFor, roleKeysOf, type Delegations } from '@afield/protocol'
import { Targets } from '@tufjs/models'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { head } from './support/draft.js'

const bins = fc.record({
  bit_length: fc.integer({ min: 1, max: 32 }),
  name_prefix: fc.stringMatching(/^[a-z-]{1,8}$/),
})
const keys = { keyids: ['a'.repeat(64)], threshold: 1 }

function theirDelegations(delegations: Delegations) {
  const json = JSON.stringify({ ...head('targets'), targets: {}, delegations })
  return Targets.fromJSON(JSON.parse(json)).delegations
}

test('a path falls into the same bin as in tuf-js', async () => {
  const property = fc.asyncProperty(bins, fc.string(), async (shape, path) => {
    const delegations = { keys: {}, succinct_roles: { ...shape, ...keys } }
    const asked = await delegatesFor(delegations, path)
    const theirs = [...(theirDelegations(delegations)?.rolesForTarget(path) ?? [])]
    expect(asked.map(({ name, terminating }) => ({ role: name, terminating }))).toEqual(theirs)
    expect(roleKeysOf(delegations, asked[0]?.name ?? '')).toMatchObject(keys)
  })
  await fc.assert(property, { numRuns: 300 })
})

test('what is a bin is what tuf-js calls one', () => {
  const name = fc.stringMatching(/^models-[0-9a-fg]{1,3}$/)
  const property = fc.property(fc.integer({ min: 1, max: 12 }), name, (bit_length, role) => {
    const delegations = { keys: {}, succinct_roles: { bit_length, name_prefix: 'models', ...keys } }
    const theirs = theirDelegations(delegations)?.succinctRoles?.isDelegatedRole(role)
    expect(roleKeysOf(delegations, role) !== undefined).toBe(theirs)
  })
  fc.assert(property, { numRuns: 300 })
})

test('patterns and hash prefixes choose the same roles as in tuf-js', async () => {
  const segment = fc.stringMatching(/^[abc*?.]{0,4}$/)
  const path = fc.array(fc.stringMatching(/^[abc][abc.]{0,3}$/), { minLength: 1, maxLength: 3 })
  const rule = fc.oneof(
    fc.record({ paths: fc.array(fc.array(segment, { minLength: 1, maxLength: 3 }), { maxLength: 3 }) }),
    fc.record({ path_hash_prefixes: fc.array(fc.stringMatching(/^[0-9a-f]{1,2}$/), { maxLength: 5 }) }),
  )
  const role = fc.tuple(rule, fc.boolean())
  const property = fc.asyncProperty(fc.array(role, { maxLength: 5 }), path, async (rules, segments) => {
    const roles = rules.map(([one, terminating], i) => ({
      name: `role${i}`,
      ...keys,
      terminating,
      ...('paths' in one ? { paths: one.paths.map((parts) => parts.join('/')) } : one),
    }))
    const wanted = segments.join('/')
    const asked = (await delegatesFor({ keys: {}, roles }, wanted)).map(({ name }) => name)
    const theirs = [...(theirDelegations({ keys: {}, roles })?.rolesForTarget(wanted) ?? [])]
    // tuf-js leaves the stop at a terminating role to its search.
    const end = theirs.findIndex(({ terminating }) => terminating)
    expect(asked).toEqual((end < 0 ? theirs : theirs.slice(0, end + 1)).map((one) => one.role))
  })
  await fc.assert(property, { numRuns: 1000 })
})
