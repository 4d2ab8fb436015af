import { lstat, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import { makeFolder } from '../make-folder.ts'
import { ownVersion } from '../own-version.ts'
import type { CommandContext } from './command.ts'

/** Options of `cordon init`. */
export interface InitOptions {
  readonly template?: string | undefined
}

/** Template -> the function in it. */
const templates: Readonly<Record<string, string>> = { simple: 'hello.ts', http: 'site.ts', database: 'guestbook' }

/** `cordon init [folder]`: a project with a function and its test. Nothing that is there is written over. */
export async function init(context: CommandContext, given: string | undefined, options: InitOptions): Promise<ExitCode> {
  const { template = 'simple' } = options
  if (!Object.hasOwn(templates, template))
    throw usageFailure(`Cannot use --template "${template}": expected one of ${Object.keys(templates).join(', ')}`)
  const folder = resolve(given ?? '.')
  const values = { name: packageName(folder), version: await ownVersion(), function: templates[template] ?? '' }
  const files = [...(await readTemplate('common')), ...(await readTemplate(template))]
  await checkFree(folder, files)
  for (const [path, text] of files) await create(join(folder, path), fill(text, values))
  const { terminal } = context
  const shown = relative(process.cwd(), folder) || '.'
  if (context.options.json === true) terminal.print(JSON.stringify({ folder, template, files: files.map(([path]) => path) }))
  else {
    terminal.print(`${terminal.colors.green('created')} ${escapeLine(shown)}\n${files.map(([path]) => `  ${path}`).join('\n')}`)
    const steps = [...(shown === '.' ? [] : [`cd ${/^[\w./-]+$/.test(shown) ? shown : `"${shown}"`}`]), 'npm install', 'npm test', 'npx cordon dev']
    terminal.note(`\nNext:\n${steps.map((step) => `  ${escapeLine(step)}`).join('\n')}`)
  }
  return 0
}

/** Text by path in the project. Files that npm or git would take for their own carry a `_` in the package. */
async function readTemplate(name: string): Promise<(readonly [path: string, text: string])[]> {
  const root = fileURLToPath(new URL(`../../templates/${name}`, import.meta.url))
  const entries = await readdir(root, { withFileTypes: true, recursive: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(paths.toSorted().map(async (path) => [ownName(relative(root, path)), await readFile(path, 'utf8')] as const))
}

function ownName(path: string): string {
  const name = basename(path)
  const own = name === '_gitignore' ? '.gitignore' : name === '_package.json' ? 'package.json' : name
  return join(dirname(path), own).split(sep).join('/')
}

/** Before the first file is written, so that a refusal leaves nothing behind. */
async function checkFree(folder: string, files: readonly (readonly [path: string, text: string])[]): Promise<void> {
  const taken: string[] = []
  for (const [path] of files) if ((await lstat(join(folder, path)).catch(() => undefined)) !== undefined) taken.push(path)
  if (taken.length > 0)
    throw usageFailure(`Cannot create a project in "${folder}": ${taken.join(', ')} exist already. Name a new folder: cordon init my-functions`)
}

async function create(path: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(path))
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    throw usageFailure(`Cannot write "${path}": ${error instanceof Error ? error.message : String(error)}`)
  }
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole)
}

/** The name of the folder as npm takes it (https://docs.npmjs.com/cli/configuring-npm/package-json#name). */
function packageName(folder: string): string {
  const name = basename(folder)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 100)
  return name === '' || name === 'node_modules' ? 'functions' : name
}
