import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { approve, initRepository, listProposals } from '@afield/cli'
import { beforeEach, expect, test } from 'vitest'
import { approveAfter } from '../../packages/cli/dist/repository/approval/approve.js'
import { publishExample } from '../support/learner-risk.js'
import { expectWaiting, handOutKeys } from './approvers.js'
import { look } from './device.js'
import { readJson, temporaryFolder, writeJson } from './workspace.js'

let repo: string
let others: readonly [string, string]

/** Three people who share the folder of proposals; all three have to sign. The first holds ops, too. */
beforeEach(async () => {
  const dir = await temporaryFolder()
  repo = join(dir, 'repo')
  others = [join(dir, 'second'), join(dir, 'third')]
  await initRepository({ repo }, { threshold: { required: 3, total: 3 } })
  await handOutKeys(repo, others)
  await publishExample(repo, '1.0.0').catch(expectWaiting)
})

test('of two who approve at the same moment, neither loses a signature', async () => {
  let read = 0
  let bothHaveRead = (): void => {}
  const together = new Promise<void>((resolve) => (bothHaveRead = resolve))
  const confirm = async (): Promise<void> => {
    if (++read === others.length) bothHaveRead()
    await together
  }
  await Promise.all(others.map((keys) => approveAfter({ repo, keys }, confirm)))

  expect(await listProposals({ repo })).toMatchObject([{ lacking: [] }])
  expect(await approve({ repo })).toMatchObject({ status: 'committed' })
  expect((await look(repo, 'learner-risk')).version).toBe(2)
  expect(await readdir(`${repo}.pending`)).toEqual([])
})

test('the file to carry has every signature so far, and comes back as another one', async () => {
  const { file } = await approve({ repo, keys: others[0] })
  const carried = await writeJson(
    join(others[1], file.slice(-'12345678.12345678.json'.length)),
    await readJson(file),
  )
  const signed = await approve({ repo, keys: others[1], proposals: others[1] })
  expect(signed).toMatchObject({ lacking: [], waitsFor: 'ops' })
  expect(signed.file).not.toBe(carried)

  const back = join(`${repo}.pending`, signed.file.slice(-'12345678.12345678.json'.length))
  await writeJson(back, await readJson(signed.file))
  expect(await approve({ repo })).toMatchObject({ status: 'committed' })
})

test('a file of the same id that would do something else is not signed', async () => {
  const [waiting] = await listProposals({ repo })
  const proposal = await readJson(waiting?.file ?? '')
  await writeJson(join(`${repo}.pending`, `${waiting?.id}.0a0a0a0a.json`), { ...proposal, changes: [] })
  await expect(approve({ repo, keys: others[0] })).rejects.toMatchObject({
    code: 'proposal/invalid',
    message: expect.stringContaining('would do different things'),
  })
})
