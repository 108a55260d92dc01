import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve } from 'node:path'
import { CliError } from '../errors.js'
import { exists } from '../publish/golden-file.js'
import { hasCode, parseJsonFile, readIfThere } from '../read-file.js'

const DEFAULT_MODULE = join('src', 'afield.ts')

/** What `init` wrote into an app. */
export interface AppModule {
  readonly module: string
  readonly root: string
  /** False where a module was there already. */
  readonly written: boolean
}

/** The app's module where nothing says otherwise: in the current folder, if an app lies there. */
export async function defaultModule(): Promise<string | undefined> {
  return (await exists('src')) || (await isApp()) ? DEFAULT_MODULE : undefined
}

/** The root of a workspace holds apps and is none. */
async function isApp(): Promise<boolean> {
  const bytes = await readIfThere('package.json')
  if (!bytes) return false
  const written = parseJsonFile(bytes, 'usage', 'package.json')
  return typeof written === 'object' && written !== null && !('workspaces' in written)
}

/**
 * Writes the module through which an app uses its models, and the root that it trusts beside it. Neither replaces
 * anything: a root that is there may be the one that a released app trusts.
 *
 * @param root path of the repository's `1.root.json`.
 */
export async function writeAppModule(module: string, root: string): Promise<AppModule> {
  const path = resolve(module)
  const beside = join(dirname(path), basename(root))
  await mkdir(dirname(path), { recursive: true })
  const written = await writeNew(path, sourceOf(basename(root)))
  if (!(await exists(beside))) await copyFile(root, beside)
  return { module: path, root: beside, written }
}

/**
 * Looks before anything is made.
 *
 * @throws CliError `usage` for what is no module, and where the root of another repository is in the way.
 */
export async function refuseImpossibleModule(module: string): Promise<void> {
  if (!['.ts', '.mts', '.js', '.mjs'].includes(extname(module))) {
    throw new CliError('usage', `--app names a module, such as src/afield.ts; ${module} is none.`)
  }
  const beside = join(dirname(resolve(module)), '1.root.json')
  if (!(await exists(beside))) return
  throw new CliError(
    'usage',
    `${relative('.', beside)} is the root of another repository, which an app may trust. Name another module with --app, or pass --no-app.`,
  )
}

function sourceOf(root: string): string {
  return `import { createAfield } from 'afield'
import root from './${root}'

/** Where \`afield serve\` has the repository; in production, where you deploy it to. */
const repository = 'http://127.0.0.1:8787/'

/**
 * The models of this app. \`root\` is what it trusts: it is shipped with the app and never fetched.
 *
 * @example
 * const model = await afield.load('learner-risk')
 * const { outputs } = await model.predict({ hours_studied: 4, quiz_score: 61 })
 */
export const afield = createAfield({ repository, root })
`
}

async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}
