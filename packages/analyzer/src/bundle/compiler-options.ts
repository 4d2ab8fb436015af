import type { TsconfigRaw } from 'esbuild'
import type { PackageTree } from './package-tree.ts'

/**
 * Reads the options of the upload's own `tsconfig.json` that change what the code means. `extends`, `paths` and all others
 * are left unread: they could only point outside the upload or change the kind of output.
 */
export function readCompilerOptions(upload: PackageTree): TsconfigRaw {
  const options: NonNullable<TsconfigRaw['compilerOptions']> = { jsx: 'react-jsx' }
  if (!upload.has('tsconfig.json')) return { compilerOptions: options }
  const text = new TextDecoder().decode(upload.read('tsconfig.json'))
  // A tsconfig may hold comments and trailing commas, so single options are looked for instead of parsing the file.
  const jsx = /"jsx"\s*:\s*"(preserve|react|react-jsx|react-jsxdev)"/.exec(text)?.[1]
  if (jsx === 'react') options.jsx = 'react'
  const source = /"jsxImportSource"\s*:\s*"([\w@/.-]+)"/.exec(text)?.[1]
  if (source !== undefined) options.jsxImportSource = source
  const factory = /"jsxFactory"\s*:\s*"([\w$.]+)"/.exec(text)?.[1]
  if (factory !== undefined) options.jsxFactory = factory
  const fragment = /"jsxFragmentFactory"\s*:\s*"([\w$.]+)"/.exec(text)?.[1]
  if (fragment !== undefined) options.jsxFragmentFactory = fragment
  if (/"experimentalDecorators"\s*:\s*true/.test(text)) options.experimentalDecorators = true
  const useDefine = /"useDefineForClassFields"\s*:\s*(true|false)/.exec(text)?.[1]
  if (useDefine !== undefined) options.useDefineForClassFields = useDefine === 'true'
  return { compilerOptions: options }
}
