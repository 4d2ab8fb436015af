import { dirname } from 'node:path'
import { SourceMap } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'

/** A config file, ready to run. */
export interface BundledConfig {
  /** Runs it; the namespace of the module. */
  load(): Promise<object>
  /** `path:line:column` of what it threw; `undefined` when that happened elsewhere. */
  placeOf(error: unknown): string | undefined
}

/**
 * Turns a config file into JavaScript, with the TypeScript files that it imports: Node 20 cannot run them. Everything
 * else that it imports stays where it is and is loaded by Node. Nothing is written to disk: the folder may be read-only.
 *
 * @throws esbuild's BuildFailure
 */
export async function bundleConfig(file: string): Promise<BundledConfig> {
  // Loaded on first use: most commands find no config file.
  const { build } = await import('esbuild')
  const url = pathToFileURL(file).href
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    outfile: file,
    allowOverwrite: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'external',
    logLevel: 'silent',
    // A tsconfig.json is for a compiler, and may not even be readable.
    tsconfigRaw: {},
    define: {
      'import.meta.url': JSON.stringify(url),
      'import.meta.filename': JSON.stringify(file),
      'import.meta.dirname': JSON.stringify(dirname(file)),
    },
    plugins: [leaveToNode],
  })
  const code = outputFiles.find(({ path }) => !path.endsWith('.map'))?.text ?? ''
  const map = outputFiles.find(({ path }) => path.endsWith('.map'))?.text
  // A data: URL may import absolute URLs only, which `leaveToNode` has made of everything.
  const source = `data:text/javascript;base64,${Buffer.from(`${code}\n//# sourceURL=${url}`).toString('base64')}`
  return {
    load: async () => {
      const loaded: object = await import(source)
      return loaded
    },
    placeOf: (error) => placeOf(error, { url, file, map }),
  }
}

/** Makes absolute URLs of what is not TypeScript, found as `import` would find it. */
const leaveToNode: Plugin = {
  name: 'leave-to-node',
  setup(build) {
    build.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind === 'entry-point' || pluginData === leaveToNode) return undefined
      const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: leaveToNode })
      if (found.errors.length > 0) return { errors: found.errors, warnings: found.warnings }
      if (found.external) return { path: found.path, external: true }
      return /\.[cm]?js$/.test(found.path) ? { path: pathToFileURL(found.path).href, external: true } : found
    })
  },
}

function placeOf(error: unknown, { url, file, map }: { url: string; file: string; map: string | undefined }): string | undefined {
  const stack = error instanceof Error && typeof error.stack === 'string' ? error.stack : ''
  const at = stack.indexOf(`${url}:`)
  const [, line, column] = /^:(\d+):(\d+)/.exec(stack.slice(at + url.length)) ?? []
  if (at === -1 || line === undefined || column === undefined || map === undefined) return undefined
  const entry = new SourceMap(JSON.parse(map)).findEntry(Number(line) - 1, Number(column) - 1)
  return 'originalLine' in entry ? `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}` : undefined
}
