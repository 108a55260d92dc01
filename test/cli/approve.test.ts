import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { approve, changeRollout, initRepository, listProposals, revoke, verify } from '@afield/cli'
import { keyIdOf, type Root, type Targets } from '@afield/protocol'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { agrees } from '../../packages/cli/dist/commands/confirm.js'
import { approveAfter } from '../../packages/cli/dist/repository/approval/approve.js'
import { diskFiles } from '../../packages/cli/dist/repository/files/files.js'
import { findKeys } from '../../packages/cli/dist/repository/keys/keys.js'
import { openRepository } from '../../packages/cli/dist/repository/read/open.js'
import { readProposal } from '../../packages/cli/dist/repository/write/proposal.js'
import { publishDraft } from '../../packages/cli/dist/repository/write/publish-draft.js'
import { MODEL, publishExample } from '../support/learner-risk.js'
import { expectWaiting, handOutKeys } from './approvers.js'
import { Crash, crashingAt } from './crashes.js'
import { look } from './device.js'
import { afield, copyRepository, temporaryFolder, writeJson } from './workspace.js'

let dir: string
let original: string
let repo: string
let second: string
let third: string

/** Three people: the first holds ops, too. */
beforeAll(async () => {
  dir = await temporaryFolder()
  original = join(dir, 'original')
  await initRepository({ repo: original }, { threshold: { required: 2, total: 3 } })
  await publishExample(original, '1.0.0').catch(expectWaiting)
  await approveAll(original)
})

beforeEach(async () => {
  repo = await copyRepository(original)
  ;[second, third] = [join(dir, randomUUID()), join(dir, randomUUID())]
  await handOutKeys(repo, [second, third])
})

const publishSecond = () => publishExample(repo, '2.0.0', { author: 'Ada' })

type Json = Readonly<Record<string, unknown>>

interface Written {
  readonly changes: readonly [{ readonly target: string; readonly text: string }]
  readonly roles: { readonly targets: { readonly signed: Json } }
}

/** All keys lie in one folder, so that nothing waits. */
async function approveAll(repo: string): Promise<void> {
  for (const { id } of await listProposals({ repo })) await approve({ repo, id })
}

test('with every key in one folder nothing waits', async () => {
  expect((await look(original, MODEL)).version).toBe(2)
})

test('a publish waits for a second person, tells in words what it is, and then is there', async () => {
  await expect(publishSecond()).rejects.toMatchObject({
    code: 'proposal/waiting',
    lacking: [{ name: 'targets', have: 1, need: 2 }],
  })
  expect(Object.keys((await look(repo, MODEL)).index?.versions ?? {})).toEqual(['1.0.0'])
  expect(await readdir(join(repo, 'metadata'))).not.toContain('3.targets.json')

  const [waiting] = await listProposals({ repo })
  expect(waiting?.does[0]).toMatch(/^Adds learner-risk@2\.0\.0 \(descriptor [0-9a-f]{64}\)\.$/)
  expect(waiting?.does[1]).toMatch(/^By Ada, .*: publish 2\.0\.0$/)

  expect(await approve({ repo, keys: third })).toMatchObject({
    status: 'waiting',
    waitsFor: 'ops',
    lacking: [],
  })
  expect((await look(repo, MODEL)).version).toBe(2)
  expect(await approve({ repo })).toMatchObject({ status: 'committed', committed: { repositoryVersion: 3 } })
  expect(Object.keys((await look(repo, MODEL)).index?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
  expect((await verify({ repo, root: join(repo, 'metadata', '1.root.json') })).problems).toEqual([])
  expect(await listProposals({ repo })).toEqual([])
})

test('on the command line it exits with 3 until the last one', async () => {
  const args = ['--repo', repo, '--json']
  const revoked = await afield(['revoke', `${MODEL}@1.0.0`, '--reason', 'wrong table', ...args])
  expect(revoked.code).toBe(3)
  expect(JSON.parse(revoked.stdout)).toMatchObject({ status: 'waiting', lacking: [{ have: 1, need: 2 }] })

  const signed = await afield(['approve', '--yes', '--keys', second, ...args])
  expect(signed.code).toBe(3)
  expect(JSON.parse(signed.stdout)).toMatchObject({
    does: ['Revokes learner-risk@1.0.0: wrong table', expect.stringContaining('Release desk')],
  })
  const [waiting] = await listProposals({ repo })
  const done = await afield(['approve', waiting?.id ?? '', '--repo', repo])
  expect(done).toMatchObject({ code: 0 })
  expect(done.stdout).toMatch(/Revokes learner-risk@1\.0\.0: wrong table[^]*Signed and published/)
  expect(done.stdout).toContain('Signed and published. The repository is at version 3.')
  expect((await look(repo, MODEL)).index?.versions).toMatchObject({
    '1.0.0': { revoked: { reason: 'wrong table' } },
  })
})

test('where nobody can be asked, it signs nothing without an id or --yes', async () => {
  await publishSecond().catch(expectWaiting)
  const [waiting] = await listProposals({ repo })
  const before = await readFile(waiting?.file ?? '')
  const asked = await afield(['approve', '--repo', repo, '--keys', second])
  expect(asked.code).toBe(2)
  expect(asked.stderr).toContain('name the proposal, or pass --yes')
  expect(await readFile(waiting?.file ?? '')).toEqual(before)
})

test.each([
  ['y\n', true],
  ['Yes\n', true],
  ['\n', false],
  ['n\n', false],
  ['', false],
])('the answer %j is yes: %s', async (answer, yes) => {
  expect(await agrees('Sign it? ', Readable.from([answer]), new PassThrough())).toBe(yes)
})

test('what is refused is told before, and a no leaves the file as it was', async () => {
  await publishSecond().catch(expectWaiting)
  const [waiting] = await listProposals({ repo })
  const before = await readFile(waiting?.file ?? '')
  const told: string[] = []
  const refusing = approveAfter({ repo, keys: second }, ({ does }) => {
    told.push(...does)
    return Promise.reject(new Error('no'))
  })
  await expect(refusing).rejects.toThrow('no')
  expect(told).toEqual(waiting?.does)
  expect(await readFile(waiting?.file ?? '')).toEqual(before)
})

test('what somebody wrote into a document cannot steer the terminal, nor look like a line of its own', async () => {
  const reason = 'wrong\u001b[2J\u009b1A\u202e\r\n  Adds nothing'
  await revoke({ repo, reason }, MODEL, '1.0.0').catch(expectWaiting)
  const { stdout } = await afield(['approve', '--list', '--repo', repo])
  expect(stdout).toContain('Revokes learner-risk@1.0.0: wrong[2J1A Adds nothing\n')
  await approve({ repo, keys: second })
  await approve({ repo })
  const log = await afield(['log', MODEL, '--repo', repo])
  expect(log.stdout).toContain('wrong[2J1A Adds nothing\n')
  expect(log.stdout).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u)
})

test('one person does not count twice, however often they approve', async () => {
  await publishSecond().catch(expectWaiting)
  await expect(approve({ repo })).rejects.toMatchObject({ code: 'keys/wrong' })
  expect((await look(repo, MODEL)).version).toBe(2)
})

test('rollouts need nobody else', async () => {
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
  expect(await look(repo, MODEL)).toMatchObject({ version: 3, rollout: { stable: '1.0.0' } })
})

test('a rollout in between leaves a proposal good; another release makes it stale', async () => {
  await publishSecond().catch(expectWaiting)
  const [first] = await listProposals({ repo })
  await changeRollout({ repo }, MODEL, { kind: 'start', stable: '1.0.0' })
  await revoke({ repo, reason: 'wrong table' }, MODEL, '1.0.0').catch(expectWaiting)
  const other = (await listProposals({ repo })).find(({ id }) => id !== first?.id)

  await expect(approve({ repo, keys: second })).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('Several proposals wait'),
  })
  await approve({ repo, keys: second, id: first?.id })
  expect(await approve({ repo, id: first?.id })).toMatchObject({ status: 'committed' })
  await expect(approve({ repo, keys: second, id: other?.id })).rejects.toMatchObject({
    code: 'proposal/stale',
    message: expect.stringContaining('changed targets'),
  })
})

describe('an old proposal with all its signatures', () => {
  let file: string
  let id: string

  /** 2.0.0 was published, and revoked since; its proposal is put back, and says it builds on what is there now. */
  beforeEach(async () => {
    await publishSecond().catch(expectWaiting)
    await approve({ repo, keys: second })
    const [waiting] = await listProposals({ repo })
    ;[file, id] = [waiting?.file ?? '', waiting?.id ?? '']
    const signed = await readFile(file, 'utf8')
    await approve({ repo })
    await revoke({ repo, reason: 'wrong table' }, MODEL, '2.0.0').catch(expectWaiting)
    await approve({ repo, keys: second })
    await approve({ repo })
    const { version } = (await openRepository(diskFiles(repo))).targets
    await writeJson(file, { ...(JSON.parse(signed) as object), base: { root: 1, targets: version } })
  })

  test('is not published again', async () => {
    await expect(approve({ repo, id })).rejects.toMatchObject({ code: 'proposal/stale' })
    expect((await look(repo, MODEL)).index?.versions).toMatchObject({ '2.0.0': { revoked: {} } })
  })

  test('nor past the check of proposals', async () => {
    const { draft } = await readProposal(`${repo}.pending`, id)
    const repository = await openRepository(diskFiles(repo))
    const ops = await findKeys(`${repo}.keys`, 'ops')
    await expect(publishDraft(repository, draft, ops, new Date())).rejects.toMatchObject({
      code: 'repository/conflict',
    })
  })
})

describe('a proposal that was tampered with is not signed', () => {
  let tampered: string
  let left: Buffer

  async function tamper(edit: (proposal: { changes: unknown[] }, text: string) => string): Promise<void> {
    await publishSecond().catch(expectWaiting)
    const [waiting] = await listProposals({ repo })
    const file = waiting?.file ?? ''
    const text = await readFile(file, 'utf8')
    await writeFile(file, edit(JSON.parse(text) as { changes: unknown[] }, text))
    tampered = file
    left = await readFile(file)
  }

  /** Edits the document, and the entry of it in the metadata to fit. */
  const tamperDocument = (edit: (index: Json) => Json): Promise<void> =>
    tamper((proposal) => {
      const { changes, roles } = proposal as unknown as Written
      const bytes = Buffer.from(JSON.stringify(edit(JSON.parse(changes[0].text) as Json)))
      const listed = {
        length: bytes.length,
        hashes: { sha256: createHash('sha256').update(bytes).digest('hex') },
      }
      const signed = { ...roles.targets.signed, targets: { [changes[0].target]: listed } }
      return JSON.stringify({
        ...proposal,
        changes: [{ ...changes[0], text: bytes.toString() }],
        roles: { targets: { ...roles.targets, signed } },
      })
    })

  test('another descriptor in the document than the metadata lists', async () => {
    await tamper((_, text) =>
      text.replace(/(2\.0\.0\\": \{\\n.*?sha256\\": \\")[0-9a-f]{64}/, `$1${'ab'.repeat(32)}`),
    )
    await expect(approve({ repo, keys: second })).rejects.toMatchObject({ code: 'manifest/hash-mismatch' })
  })

  test('a change in the metadata whose document is left out', async () => {
    await tamper((proposal) => JSON.stringify({ ...proposal, changes: [] }))
    await expect(approve({ repo, keys: second })).rejects.toMatchObject({
      code: 'proposal/invalid',
      message: expect.stringContaining('Do not sign it'),
    })
    expect(await readFile(tampered)).toEqual(left)
  })

  test('a document that follows another than the current one', async () => {
    await tamperDocument((index) => ({ ...index, predecessor: 'ab'.repeat(32) }))
    await expect(approve({ repo, keys: second })).rejects.toMatchObject({
      code: 'proposal/stale',
      message: expect.stringContaining(`models/${MODEL}.json`),
    })
    expect(await readFile(tampered)).toEqual(left)
  })

  test.each([1, 3])('a root of version %i, where 2 comes next', async (version) => {
    const { root } = await openRepository(diskFiles(repo))
    await tamper((proposal) =>
      JSON.stringify({ ...proposal, root: { signatures: [], signed: { ...root, version } } }),
    )
    await expect(approve({ repo, keys: second })).rejects.toMatchObject({
      code: 'proposal/stale',
      message: expect.stringContaining('changed root'),
    })
  })

  /** Edits the metadata of targets, which two of three sign, knowing what it is now. */
  const tamperTargets = async (edit: (signed: Targets, now: Targets) => object): Promise<void> => {
    const { targets } = await openRepository(diskFiles(repo))
    await tamper((proposal) => {
      const { roles } = proposal as unknown as { readonly roles: { readonly targets: { signed: Targets } } }
      const signed = edit(roles.targets.signed, targets)
      return JSON.stringify({ ...proposal, roles: { targets: { ...roles.targets, signed } } })
    })
  }

  /** Adds a next root. */
  const tamperRoot = async (edit: (root: Root) => object): Promise<void> => {
    const { root } = await openRepository(diskFiles(repo))
    const signed = edit({ ...root, version: 2 })
    await tamper((proposal) => JSON.stringify({ ...proposal, root: { signatures: [], signed } }))
  }

  /** What the refusal says; the file is left as it was, and the list says it, too. */
  const refusal = async (): Promise<string> => {
    const error: unknown = await approve({ repo, keys: second }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'proposal/invalid' })
    expect(await readFile(tampered)).toEqual(left)
    const { message } = error as Error
    expect(await listProposals({ repo })).toMatchObject([{ does: [message] }])
    return message
  }

  const swapped = (keys: Root['keys']): Root['keys'] =>
    Object.fromEntries(
      Object.entries(keys).map(([id, key]) => [id, { ...key, keyval: { public: 'ab'.repeat(32) } }]),
    )

  test('another key under the id of one that a root trusts', async () => {
    await tamperRoot((root) => ({ ...root, keys: swapped(root.keys) }))
    expect(await refusal()).toContain('is another key than its id says')
  })

  test('another key under the id of one that a delegation trusts', async () => {
    await tamperTargets((signed) => ({
      ...signed,
      delegations: { ...signed.delegations, keys: swapped(signed.delegations?.keys ?? {}) },
    }))
    expect(await refusal()).toContain('is another key than its id says')
  })

  test('a key that no role uses', async () => {
    const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'ab'.repeat(32) } }
    const id = await keyIdOf(key)
    await tamperRoot((root) => ({ ...root, keys: { ...root.keys, [id]: key } }))
    expect(await refusal()).toContain('is used by no role')
  })

  test('a change of the root beside keys', async () => {
    await tamperRoot((root) => ({ ...root, consistent_snapshot: false }))
    expect(await refusal()).toContain('changes consistent_snapshot in root')
  })

  test.each([
    ['version', { version: Number.MAX_SAFE_INTEGER }, 'the version 9007199254740991'],
    ['expiry', { expires: '2999-01-01T00:00:00Z' }, 'expire 2999'],
    ['expiry before the present one', { expires: '2001-01-01T00:00:00Z' }, 'expire 2001'],
    ['further field', { 'x-more': 1 }, 'changes x-more in targets'],
  ])('a %s that no command writes', async (_, fields, why) => {
    await tamperTargets((signed) => ({ ...signed, ...fields }))
    expect(await refusal()).toContain(why)
  })

  test('a root that never expires', async () => {
    await tamperRoot((root) => ({ ...root, expires: '2999-01-01T00:00:00Z' }))
    expect(await refusal()).toContain('expire 2999')
  })

  test('a delegation that goes further', async () => {
    await tamperTargets((signed) => ({
      ...signed,
      delegations: {
        ...signed.delegations,
        roles: signed.delegations?.roles?.map((role) => ({ ...role, terminating: !role.terminating })),
      },
    }))
    expect(await refusal()).toContain('changes delegations in targets')
  })

  test('another length of a document that it leaves alone', async () => {
    await tamperTargets((signed, { targets }) => ({
      ...signed,
      targets: Object.fromEntries(
        Object.entries(targets).map(([path, file]) => [path, { ...file, length: file.length + 1 }]),
      ),
    }))
    const proposal = JSON.parse(await readFile(tampered, 'utf8')) as object
    await writeJson(tampered, { ...proposal, changes: [] })
    left = await readFile(tampered)
    expect(await refusal()).toContain(`changes models/${MODEL}.json in targets`)
  })

  test.each<[string, (index: Json, versions: Record<string, Json>) => Json, string]>([
    [
      'another size of the descriptor',
      (index, { '2.0.0': release }) => ({
        ...index,
        versions: {
          ...(index['versions'] as object),
          '2.0.0': { ...release, descriptor: { ...(release?.['descriptor'] as object), size: 7 } },
        },
      }),
      'has 7 bytes',
    ],
    [
      'another date of an older version',
      (index, { '1.0.0': release }) => ({
        ...index,
        versions: {
          ...(index['versions'] as object),
          '1.0.0': { ...release, created: '2001-01-01T00:00:00Z' },
        },
      }),
      'what the index says of learner-risk@1.0.0',
    ],
    ['a field that nobody knows', (index) => ({ ...index, more: 1 }), 'does not know'],
  ])('%s', async (_, edit, why) => {
    await tamperDocument((index) => edit(index, index['versions'] as Record<string, Json>))
    expect(await refusal()).toContain(why)
  })

  test('something that is no proposal', async () => {
    await tamper(() => '{"format": 1}')
    await expect(approve({ repo, keys: second })).rejects.toMatchObject({ code: 'proposal/invalid' })
  })
})

test('nothing waits: said so', async () => {
  await expect(approve({ repo })).rejects.toMatchObject({ code: 'proposal/missing' })
  await expect(approve({ repo, id: '0a0a0a0a' })).rejects.toMatchObject({ code: 'proposal/missing' })
})

describe('a crash of the last approval', () => {
  beforeEach(async () => {
    await publishSecond().catch(expectWaiting)
    await approve({ repo, keys: second })
  })

  test.each([1, 2, 3])(
    'before write %i leaves the old repository valid, and approving again ends it',
    async (write) => {
      await expect(approve({ repo, files: crashingAt(repo, write) })).rejects.toThrow(Crash)
      expect((await look(repo, MODEL)).version).toBe(2)
      expect(await approve({ repo })).toMatchObject({ status: 'committed' })
      expect(Object.keys((await look(repo, MODEL)).index?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
    },
  )

  test('after the snapshot, which is the commit: any write sets the timestamp', async () => {
    await expect(approve({ repo, files: crashingAt(repo, 4) })).rejects.toThrow(Crash)
    expect((await look(repo, MODEL)).version).toBe(2)
    await expect(approve({ repo })).rejects.toMatchObject({ code: 'proposal/stale' })
    expect(Object.keys((await look(repo, MODEL)).index?.versions ?? {})).toEqual(['1.0.0', '2.0.0'])
  })
})
