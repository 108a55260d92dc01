import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { serveRepository } from '@afield/cli'
import { createDevice } from 'afield/node'

const run = promisify(execFile)
const inCheckout = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export interface Guide {
  readonly guide: string
  /** Below `examples/export`. */
  readonly folder: string
  readonly model: string
  /** What its export script imports. */
  readonly modules: readonly string[]
}

/** Guides from a framework to a device. */
export const GUIDES: readonly Guide[] = [
  { guide: 'from-scikit-learn', folder: 'scikit-learn', model: 'iris', modules: ['sklearn', 'onnx'] },
  { guide: 'from-pytorch', folder: 'pytorch', model: 'wine', modules: ['torch', 'sklearn', 'onnx'] },
]

/** A folder in which the paths and commands of a guide lead to this checkout, the exports to copies. */
export async function guideFolder(dir: string, name: string): Promise<string> {
  const project = join(dir, name)
  for (const folder of ['export', 'learner-risk', 'digit-reader']) {
    await cp(inCheckout(`examples/${folder}`), join(project, 'examples', folder), { recursive: true })
  }
  await writeFile(join(project, 'package.json'), '{ "private": true }')
  await mkdir(join(project, 'node_modules/@afield'), { recursive: true })
  await symlink(inCheckout('packages/cli'), join(project, 'node_modules/@afield/cli'))
  await symlink(inCheckout('packages/sdk'), join(project, 'node_modules/afield'))
  await symlink(inCheckout('node_modules/vite'), join(project, 'node_modules/vite'))
  await mkdir(join(project, 'bin'))
  // What npm would install as the package's command.
  const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${inCheckout('packages/cli/dist/main.js')}" "$@"\n`
  await writeFile(join(project, 'bin/npx'), npx)
  await chmod(join(project, 'bin/npx'), 0o755)
  return project
}

export interface Followed {
  /** What its commands printed. */
  readonly transcript: string
  /** Answers to golden vectors that agree with training to four digits, and those that do not. */
  readonly agreeing: number
  readonly disagreeing: number
}

/**
 * Runs a guide from top to bottom, then asks its model all that training wrote down.
 *
 * @param python what its Python commands run with; they are passed over when left out.
 */
export async function followGuide(
  { guide, folder, model }: Guide,
  project: string,
  python?: string,
): Promise<Followed> {
  const transcript = await runGuide(guide, project, python)
  const golden = join(project, `examples/export/${folder}/${model}.golden.json`)
  return { transcript, ...(await askGoldenVectors(join(project, 'models-repo'), model, golden)) }
}

/**
 * Runs the commands of a guide from top to bottom.
 *
 * @returns what they printed.
 */
export async function runGuide(guide: string, project: string, python?: string): Promise<string> {
  let transcript = ''
  for (const { language, first, text } of await fences(guide)) {
    if (language === 'js' && first !== undefined) await writeFile(join(project, first), text)
    if (language === 'sh' && (first !== 'python' || python !== undefined)) {
      transcript += await shell(text, project, python)
    }
  }
  return transcript
}

/**
 * Compiles the TypeScript of guides, where one of them has made its repository.
 *
 * @returns what the compiler says: nothing, where all is well.
 */
export async function compileGuides(guides: readonly string[], project: string): Promise<string> {
  const found = (await Promise.all(guides.map(fences))).flat()
  const files: string[] = []
  for (const { language, first, text } of found) {
    if (language !== 'ts' || first === undefined) continue
    files.push(first)
    await writeFile(join(project, first), text)
  }
  const compilerOptions = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const tsc = inCheckout('node_modules/.bin/tsc')
  return run(tsc, ['-p', project]).then(
    ({ stdout }) => stdout,
    ({ stdout }: { readonly stdout: string }) => stdout,
  )
}

/** A Python that has these modules; `undefined` where this machine has none. */
export async function pythonWith(modules: readonly string[]): Promise<string | undefined> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const works = await run(python, ['-c', `import ${modules.join(', ')}`]).then(
      () => true,
      () => false,
    )
    if (works) return python
  }
  return undefined
}

interface Fence {
  readonly language: string
  /** The word after the language: a file's name, or what the commands need. */
  readonly first: string | undefined
  readonly text: string
}

async function fences(guide: string): Promise<readonly Fence[]> {
  const markdown = await readFile(inCheckout(`packages/site/guides/${guide}.md`), 'utf8')
  const found = [...markdown.matchAll(/^```(\S+)(?: (\S+))?[^\n]*\n(.*?)^```$/gms)]
  return found.map(([, language = '', first, text = '']) => ({ language, first, text }))
}

/** Runs lines of a guide; the first that fails ends them. */
async function shell(text: string, cwd: string, python: string | undefined): Promise<string> {
  const path = [join(cwd, 'bin'), process.env['PATH']].join(delimiter)
  const { AFIELD_REPO: _repo, AFIELD_KEYS: _keys, ...env } = process.env
  const script = python === undefined ? text : `python3() { "${python}" "$@"; }\n${text}`
  const { stdout } = await run('/bin/sh', ['-e', '-c', script], {
    cwd,
    env: { ...env, PATH: path, AFIELD_AUTHOR: 'A reader' },
  })
  return stdout
}

type Answer = number | { readonly label: string; readonly score: number }

interface Vector {
  readonly input: Readonly<Record<string, number>>
  readonly output: Readonly<Record<string, Answer>>
}

/** Loads the model as a device does and asks all golden vectors. */
async function askGoldenVectors(
  repo: string,
  model: string,
  golden: string,
): Promise<Pick<Followed, 'agreeing' | 'disagreeing'>> {
  const server = await serveRepository(repo, { port: 0 })
  const root = await readFile(join(repo, 'metadata/1.root.json'), 'utf8')
  const device = createDevice({ repository: server.url, root })
  try {
    await device.load(model)
    const vectors = JSON.parse(await readFile(golden, 'utf8')) as readonly Vector[]
    let agreeing = 0
    for (const { input, output } of vectors) {
      const { outputs } = await device.predict(model, input)
      const agrees = Object.entries(output).every(([name, value]) => same(outputs[name], value))
      if (agrees) agreeing++
    }
    return { agreeing, disagreeing: vectors.length - agreeing }
  } finally {
    await device.close()
    await server.close()
  }
}

function same(answer: unknown, wanted: Answer): boolean {
  if (typeof wanted === 'number') return typeof answer === 'number' && Math.abs(answer - wanted) < 1e-4
  if (typeof answer !== 'object' || answer === null || !('label' in answer && 'score' in answer)) return false
  return answer.label === wanted.label && same(answer.score, wanted.score)
}
