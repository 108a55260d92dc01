import { describe, expect, test } from 'vitest'
import { budgetOf, findRoom, type Budget, type Seat } from '../../packages/sdk/dist/router/budget.js'

type Role = Seat['role']

const MIB = 2 ** 20
const GIB = 2 ** 30

const engine = (role: Role, modelBytes = MIB): Seat => ({ role, modelBytes })
const engines = (...roles: readonly Role[]): readonly Seat[] => roles.map((role) => engine(role))

function leaving(wanted: Role, running: readonly Seat[], budget: Budget): readonly Role[] | undefined {
  return findRoom(engine(wanted), running, budget)?.map(({ role }) => role)
}

test.each([
  [1, 8, 2, 2 * GIB],
  [4, 8, 4, 2 * GIB],
  [16, 8, 8, 2 * GIB],
  [16, undefined, 8, GIB],
  [4, 4, 2, GIB / 2],
  [2, 2, 1, GIB / 4],
  [1, 0.5, 1, GIB / 16],
])('%i cores and %s GiB have room for %i sessions of %i bytes in all', (cores, memory, sessions, bytes) => {
  expect(budgetOf(cores, memory)).toEqual({ sessions, bytes })
})

describe('when room is short', () => {
  const three: Budget = { sessions: 3, bytes: 8 * GIB }

  test('nobody gives way while there is some', () => {
    expect(leaving('pool', engines('serving', 'pool'), three)).toEqual([])
  })

  test('shadow gives way first, then a backend on trial, then the pool, then the warm previous version', () => {
    const order: Role[] = ['previous', 'pool', 'backend', 'shadow']
    const running = [engine('serving'), ...engines(...order)]
    const most = { sessions: 2, bytes: 8 * GIB }
    expect(leaving('staging', running, most)).toEqual(['shadow', 'backend', 'pool', 'previous'])
    expect(leaving('staging', running, { ...most, sessions: 4 })).toEqual(['shadow', 'backend'])
  })

  test('nothing gives way to what matters no more than it does', () => {
    expect(leaving('pool', engines('serving', 'pool', 'previous'), three)).toBeUndefined()
    expect(leaving('backend', engines('serving', 'serving', 'backend'), three)).toBeUndefined()
    expect(leaving('backend', engines('serving', 'pool', 'shadow'), three)).toEqual(['shadow'])
  })

  test('what is to serve always finds it, and the pool of another model gives way', () => {
    expect(leaving('serving', engines('serving', 'pool', 'pool'), three)).toEqual(['pool'])
    expect(leaving('serving', engines('serving', 'serving', 'serving'), three)).toEqual([])
  })

  test('one update at a time may be staged beside any number of models, if two engines fit at all', () => {
    const four = engines('serving', 'serving', 'serving', 'serving')
    expect(leaving('staging', four, three)).toEqual([])
    expect(leaving('staging', [...four, engine('staging')], three)).toBeUndefined()
    expect(leaving('staging', engines('serving'), { sessions: 1, bytes: 8 * GIB })).toBeUndefined()
  })

  test('a session takes its model twice, and 64 MiB', () => {
    const fits = { sessions: 8, bytes: 2 * (2 * 100 * MIB + 64 * MIB) }
    const large = engine('serving', 100 * MIB)
    expect(findRoom(engine('staging', 100 * MIB), [large], fits)).toEqual([])
    expect(findRoom(engine('staging', 100 * MIB + 1), [large], fits)).toBeUndefined()
  })
})
