import { posix } from 'node:path'
import type { Loader } from 'esbuild'

const byExtension: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['.ts', 'ts'],
  ['.mts', 'ts'],
  ['.cts', 'ts'],
  ['.tsx', 'tsx'],
  // Packages and templates put JSX into .js files too; plain JavaScript is a subset of it.
  ['.js', 'jsx'],
  ['.mjs', 'js'],
  ['.cjs', 'js'],
  ['.jsx', 'jsx'],
  ['.json', 'json'],
  ...[
    ...['.txt', '.md', '.html', '.htm', '.css', '.sql', '.svg', '.xml', '.csv', '.graphql', '.gql', '.yaml', '.yml', '.toml'],
    ...['.hbs', '.mustache', '.ejs'],
  ].map((one): [string, Loader] => [one, 'text']),
  ['.bin', 'binary'],
])

const byAttribute: ReadonlyMap<string, Loader> = new Map<string, Loader>([
  ['text', 'text'],
  ['bytes', 'binary'],
  ['json', 'json'],
])

const codeLoaders: ReadonlySet<Loader> = new Set<Loader>(['ts', 'tsx', 'js', 'jsx'])

/** How a file is read: by its import attribute (`with { type: 'text' }`), else by its extension; `undefined` when neither is known. */
export function chooseLoader(path: string, type: string | undefined): Loader | undefined {
  return type === undefined ? byExtension.get(extensionOf(path)) : byAttribute.get(type)
}

/** True for loaders that read code, which the rules look at. */
export function isCodeLoader(loader: Loader | undefined): boolean {
  return loader !== undefined && codeLoaders.has(loader)
}

/** Why a file has no loader, and what to do. */
export function refuseFile(specifier: string, path: string, type: string | undefined): string {
  const refused = `Cannot import "${specifier}"`
  if (type !== undefined) return `${refused}: there is no import of type "${type}". Write "text", "bytes" or "json".`
  const extension = extensionOf(path)
  if (extension === '.wasm') return `${refused}: functions cannot run WebAssembly. Use a package or a version of it that is written in JavaScript.`
  if (extension === '.node')
    return `${refused}: functions cannot load native add-ons. Use a package or a version of it that is written in JavaScript.`
  return `${refused}: this kind of file is neither code, JSON nor known as text. Add "with { type: 'text' }" or "with { type: 'bytes' }".`
}

function extensionOf(path: string): string {
  return posix.extname(path).toLowerCase()
}
