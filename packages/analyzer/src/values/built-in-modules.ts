import { isBuiltin } from 'node:module'
import { ts } from '@ts-morph/common'

/** Modules that also hand out what has a global name. */
const sharesGlobals: ReadonlySet<string> = new Set([
  'node:buffer',
  'node:console',
  'node:perf_hooks',
  'node:process',
  'node:timers',
  'node:url',
  'node:util',
])
const globalNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis))

/** Where a built-in module is found among global things: `['node:crypto']`, or `['process']` for one that is a global; `undefined` for other modules. */
export function modulePath(specifier: string): readonly string[] | undefined {
  if (!isBuiltin(specifier)) return undefined
  const name = specifier.startsWith('node:') ? specifier : `node:${specifier}`
  return name === 'node:process' || name === 'node:console' ? [name.slice('node:'.length)] : [name]
}

/** Where a member of a global thing or a built-in module is found: `Buffer` of `node:buffer` is the global of that name. */
export function memberPath(path: readonly string[], key: string): readonly string[] {
  const isModule = path.length === 1 && path[0]?.startsWith('node:') === true
  // `require('x').default` of a built-in module does not exist, and `import()` gives the module under it.
  if (isModule && key === 'default') return path
  return isModule && sharesGlobals.has(path[0] ?? '') && globalNames.has(key) ? [key] : [...path, key]
}

/** What an imported name stands for when it comes from a built-in module. */
export function importedPath(declaration: ts.Declaration): readonly string[] | undefined {
  if (ts.isImportEqualsDeclaration(declaration)) {
    const { moduleReference } = declaration
    return ts.isExternalModuleReference(moduleReference) ? specifierPath(moduleReference.expression) : undefined
  }
  if (ts.isImportSpecifier(declaration)) {
    const module = specifierPath(declaration.parent.parent.parent.moduleSpecifier)
    return module === undefined ? undefined : memberPath(module, (declaration.propertyName ?? declaration.name).text)
  }
  if (ts.isNamespaceImport(declaration)) return specifierPath(declaration.parent.parent.moduleSpecifier)
  return ts.isImportClause(declaration) ? specifierPath(declaration.parent.moduleSpecifier) : undefined
}

function specifierPath(specifier: ts.Expression): readonly string[] | undefined {
  return ts.isStringLiteralLike(specifier) ? modulePath(specifier.text) : undefined
}
