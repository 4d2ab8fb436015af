import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'

/** What Node says of a module that it looks for. */
interface ResolveContext {
  readonly parentURL?: string | undefined
}

/** A module as Node takes it from a hook. */
interface LoadedModule {
  readonly format: 'module'
  readonly source: string
  readonly shortCircuit: true
}

const typescript = /\.(ts|tsx|mts)$/
/** What a specifier may mean that names no file: TypeScript lets one write `./price.js` for `price.ts`, and leave the ending out. */
const endings = ['.ts', '.tsx', '.mts', '/index.ts']

/** Finds TypeScript files under the names that TypeScript lets one write. */
export function resolve<Context extends ResolveContext, Result>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Result,
): Result {
  return next(meantBy(specifier, context.parentURL), context)
}

function meantBy(specifier: string, parentUrl = ''): string {
  if (!/^\.{1,2}\//.test(specifier) || !parentUrl.startsWith('file:') || isFile(specifier, parentUrl)) return specifier
  const base = specifier.replace(/\.([cm]?)jsx?$/, '')
  const ending = endings.find((one) => isFile(base + one, parentUrl))
  return ending === undefined ? specifier : base + ending
}

function isFile(specifier: string, parentUrl: string): boolean {
  return statSync(new URL(specifier, parentUrl), { throwIfNoEntry: false })?.isFile() === true
}

/** Takes the types out: Node 20 cannot, and later ones only where nothing but types has to go. Stacks keep their places. */
export function load<Context, Result>(url: string, context: Context, next: (url: string, context: Context) => Result): Result | LoadedModule {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !typescript.test(pathname)) return next(url, context)
  const path = fileURLToPath(url)
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    sourcefile: path,
    loader: path.endsWith('x') ? 'tsx' : 'ts',
    target: 'node20',
    format: 'esm',
    sourcemap: 'inline',
    sourcesContent: false,
  })
  return { format: 'module', source: code, shortCircuit: true }
}
