/** Names of the wrapper's parameters. esbuild renames a declaration of the user that has the same name. */
export const builtinParameter = '__cordon_builtin'
/** The function that receives the namespace of the entry file. */
export const handOverParameter = '__cordon_handOver'
/** Stands for `import.meta`, which a classic script cannot have. */
export const metaName = '__cordon_meta'
/** Gives a class its name, unless it has one of its own. Only there when it is used. */
export const classNameHelper = '__cordon_className'
const validatorsParameter = '__cordon_setValidators'

/**
 * What stands before the bundled code and its validators, all on one line. `require` serves what is only known at run time (`require(name)`,
 * `import(name)` with a computed name): it reaches built-ins only, and the sandbox decides about each. `var`, so that a
 * variable of the user with the same name is no second declaration.
 */
const prelude =
  `(async function (${builtinParameter}, ${handOverParameter}, __cordon_url, ${validatorsParameter}) { "use strict"; ` +
  `var ${metaName} = { __proto__: null, url: __cordon_url }; ` +
  `var require = (name) => ${builtinParameter}(String(name).replace(/^node:/, "")); `

const classNames =
  `var ${classNameHelper} = (one, given, value) => { ` +
  `if (Object.getOwnPropertyDescriptor(one, "name")?.value === given) Object.defineProperty(one, "name", { value, configurable: true }); }; `

/** Bundled modules have no paths. Packages ask for those of optional others, and expect Node's error. */
const requireResolve =
  `require.resolve = (name) => { throw Object.assign(new Error("Cannot find module '" + name + "': a bundled function has no paths"), ` +
  `{ code: "MODULE_NOT_FOUND" }); }; `

/** Wraps the output of esbuild so that it is one classic script whose completion value is the function of contracts' `Bundle`. */
export function wrapCode(code: string, validators: string | undefined): string {
  const helpers = (code.includes(`${classNameHelper}(`) ? classNames : '') + (code.includes('equire.resolve') ? requireResolve : '')
  return `${prelude}${helpers}${validatorsCall(validators)}{\n${code}\n}})`
}

/** Moves a source map down by the lines before the code and gives its sources the names the user knows. */
export function wrapSourceMap(sourceMap: string, validators: string | undefined): string {
  const map: unknown = JSON.parse(sourceMap)
  if (typeof map !== 'object' || map === null || !('mappings' in map) || !('sources' in map) || !Array.isArray(map.sources)) return sourceMap
  const sources = map.sources.map((one) => (typeof one === 'string' ? sourceName(one) : one))
  const lines = validatorsCall(validators).split('\n').length
  return JSON.stringify({ ...map, mappings: `${';'.repeat(lines)}${String(map.mappings)}`, sources })
}

function validatorsCall(validators: string | undefined): string {
  return validators === undefined ? '' : `${validatorsParameter}(${validators}); `
}

/**
 * Stands at the end of the path of an ES module by `package.json`. esbuild goes by the extension; it would look for the
 * `package.json` on the disk. No path of an upload or a package has it: they have no empty parts.
 */
export const nodeMark = '//.mjs'

/** The path inside the upload (or `node_modules/name@version/…`) of a source as esbuild names it. */
export function sourceName(source: string): string {
  if (source.endsWith(nodeMark)) return sourceName(source.slice(0, -nodeMark.length))
  if (source.startsWith('upload:')) return source.slice('upload:'.length)
  if (source.startsWith('builtin:')) return `node:${source.slice('builtin:'.length)}`
  return source
}
