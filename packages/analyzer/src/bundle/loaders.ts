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
  ...['.txt', '.md', '.html', '.htm', '.css', '.sql', '.svg', '.xml', '.csv', '.graphql', '.gql', '.yaml', '.yml'].map((one): [string, Loader] => [
    one,
    'text',
  ]),
  ['.bin', 'binary'],
  ['.wasm', 'binary'],
])

/** How a file is read: by its import attribute (`with { type: 'text' }`), else by its extension; `undefined` when neither is known. */
export function chooseLoader(path: string, type: string | undefined): Loader | undefined {
  if (type === 'text') return 'text'
  if (type === 'bytes') return 'binary'
  if (type === 'json') return 'json'
  return byExtension.get(posix.extname(path).toLowerCase())
}

/** True for files that hold code, which the rules read. */
export function isCode(path: string): boolean {
  return /\.(?:[mc]?[jt]s|[jt]sx)$/i.test(path)
}
