import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  initRepository,
  modelCard,
  publish,
  renderHtml,
  renderMarkdown,
  revoke,
  setMinVersion,
  showVersion,
} from '@afield/cli'
import { marked } from 'marked'
import { beforeAll, describe, expect, test } from 'vitest'
import { learnerRisk, learnerRiskConfig } from '../support/learner-risk.js'
import { afield, readJson, temporaryFolder, writeJson } from './workspace.js'

const EVIL =
  '<script>alert(1)</script> [x](javascript:alert(1)) **bold** `tick` | bar\n# heading\n- item &lt;b&gt; "quoted"'

let dir: string
let repo: string

/** 1.0.0 as it is; 2.0.0 with a card that says more, and what should never become markup. */
beforeAll(async () => {
  dir = await temporaryFolder()
  repo = join(dir, 'repo')
  await initRepository({ repo })
  await publish({ repo, model: learnerRisk('1.0.0'), version: '1.0.0' })
  const { card, ...config } = await readJson(learnerRiskConfig)
  const changed = await writeJson(join(dir, 'afield.config.json'), {
    ...config,
    owner: EVIL.split('\n')[0],
    card: { ...(card as object), endpoint: '/courses', latencyP95: 12.5, limitations: EVIL },
    retrainBy: '2027-01-31',
  })
  await publish({ repo, model: learnerRisk('2.0.0'), version: '2.0.0', config: changed })
})

test('names all that a card should, and says of the rest that nobody stated it', async () => {
  const { code, stdout } = await afield(['card', 'learner-risk@1.0.0', '--repo', repo])
  expect(code).toBe(0)
  const rows = Object.fromEntries(
    [...stdout.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map(([, name, text]) => [name, text]),
  )
  const { card } = (await readJson(learnerRiskConfig)) as { readonly card: Readonly<Record<string, string>> }
  const { sha256 } = await showVersion({ repo }, 'learner-risk@1.0.0')
  expect(rows).toMatchObject({
    Name: 'learner-risk',
    Version: '1.0.0',
    Type: card['type'],
    'Training date': card['trainingDate'],
    Framework: 'scikit-learn 1.2.1',
    Use: card['intendedUse'],
    Users: card['users'],
    Source: card['dataSource'],
    Size: card['dataSize'],
    '`hours_studied`': 'number from 0 to 60, hours per week | refused | Time spent studying',
    Precision: '0.8989',
    Recall: '0.2406',
    AUC: '0.7827',
    Endpoint: 'not stated',
    'Latency p95 before launch': 'not stated',
    Availability: '99.9 % of predictions answered by a model',
    Pattern: 'canary',
    'Training data (SHA-256)': expect.stringContaining('165a936d'),
    'Descriptor (SHA-256)': `\`${sha256}\``,
    'Golden vectors': expect.stringMatching(/^12, .* replayed and met before it was signed/),
  })
  expect(stdout).toContain(card['limitations'])
})

test('says what more was stated', async () => {
  const card = renderMarkdown(modelCard(await showVersion({ repo }, 'learner-risk')))
  expect(card).toContain('| Endpoint | /courses |')
  expect(card).toContain('| Latency p95 before launch | 12.5 ms |')
  expect(card).toContain('| Retrain by | 2027-01-31 |')
})

describe('what was published is text, never markup', () => {
  const text = EVIL.replaceAll(/\s+/g, ' ')

  test('in HTML', async () => {
    const html = renderHtml(modelCard(await showVersion({ repo }, 'learner-risk')))
    expect(tags(html)).not.toContain('script')
    expect(unescape(html)).toContain(EVIL)
    expect(html).toContain("default-src 'none'")
  })

  test('in Markdown, whatever renders it', async () => {
    const card = renderMarkdown(modelCard(await showVersion({ repo }, 'learner-risk')))
    const html = await marked.parse(card)
    for (const tag of ['script', 'a', 'strong', 'em', 'b', 'ul', 'li']) expect(tags(html)).not.toContain(tag)
    expect(html.match(/<h1>/g)).toHaveLength(1)
    expect(unescape(html)).toContain(text)
  })
})

test('the page prints, knows the dark and needs nothing from elsewhere', async () => {
  const out = join(dir, 'cards/learner-risk.html')
  const args = ['card', 'learner-risk@1.0.0', '--format', 'html', '--out', out, '--repo', repo, '--json']
  expect(JSON.parse((await afield(args)).stdout)).toEqual({
    model: 'learner-risk',
    version: '1.0.0',
    format: 'html',
    out,
    status: 'written',
  })
  const html = await readFile(out, 'utf8')
  expect(html).toContain('prefers-color-scheme: dark')
  expect(html).toContain('@media print')
  expect(html).not.toMatch(/<script|<link|src=|url\(|@import|\son\w+=/)
  expect(JSON.parse((await afield(args)).stdout)).toMatchObject({ status: 'unchanged' })
})

test('a revoked version, one below the oldest allowed, and a skipped replay are said first', async () => {
  const other = join(dir, 'restricted')
  await initRepository({ repo: other })
  await publish({ repo: other, model: learnerRisk('3.0.0'), version: '1.0.0', skipReplay: true })
  await publish({ repo: other, model: learnerRisk('2.0.0'), version: '2.0.0' })
  await revoke({ repo: other, reason: 'wrong | table' }, 'learner-risk', '1.0.0')
  await setMinVersion({ repo: other }, 'learner-risk', '2.0.0')
  const card = renderMarkdown(modelCard(await showVersion({ repo: other }, 'learner-risk@1.0.0')))
  expect(card).toContain('wrong \\| table. No device runs it.')
  expect(card).toContain('The oldest version of learner-risk that may run is 2.0.0')
  expect(card).toContain('> **Note.** It was published without replaying its golden vectors.')
})

test.each([
  ['an unknown version', ['learner-risk@9.0.0'], 1, 'It has: 1.0.0, 2.0.0'],
  ['an unknown model', ['nobody'], 1, 'It has: learner-risk'],
  ['an unknown format', ['learner-risk', '--format', 'pdf'], 2, 'md, html'],
])('refused: %s', async (_, args, code, said) => {
  expect(await afield(['card', ...args, '--repo', repo])).toMatchObject({
    code,
    stderr: expect.stringContaining(said),
  })
})

function tags(html: string): readonly (string | undefined)[] {
  return [...html.matchAll(/<([a-z0-9]+)/gi)].map(([, name]) => name)
}

/** Text of a page as a reader sees it. */
function unescape(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
