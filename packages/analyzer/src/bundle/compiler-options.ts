import type { TsconfigRaw } from 'esbuild'
import { ts } from '@ts-morph/common'
import { isRecord } from '@cordon/contracts'
import type { PackageTree } from './package-tree.ts'

/** The options that count, with what they may be. Of `jsxFactory` and the like esbuild makes code. */
const accepted: Readonly<Record<string, RegExp>> = {
  jsx: /^react$/,
  jsxImportSource: /^[\w@/.-]+$/,
  jsxFactory: /^[\w$.]+$/,
  jsxFragmentFactory: /^[\w$.]+$/,
  experimentalDecorators: /^true$/,
  useDefineForClassFields: /^(?:true|false)$/,
}

/**
 * Reads the options of the upload's own `tsconfig.json` that change what the code means. `extends`, `paths` and all others
 * are left unread: they could only point outside the upload or change the kind of output.
 */
export function readCompilerOptions(upload: PackageTree): TsconfigRaw {
  const text = upload.has('tsconfig.json') ? new TextDecoder().decode(upload.read('tsconfig.json')) : '{}'
  // Takes comments and trailing commas, and opens nothing.
  const config: unknown = ts.parseConfigFileTextToJson('tsconfig.json', text).config
  const given = isRecord(config) && isRecord(config['compilerOptions']) ? config['compilerOptions'] : {}
  const kept = Object.entries(given).filter(([name, value]) => Object.hasOwn(accepted, name) && accepted[name]?.test(String(value)) === true)
  return { compilerOptions: { jsx: 'react-jsx', ...Object.fromEntries(kept) } }
}
