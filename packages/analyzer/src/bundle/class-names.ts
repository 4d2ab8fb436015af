import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping'
import { classNameHelper } from './wrapper.ts'

/** The head of a class as esbuild prints it: bound to a variable, or declared. Groups: the variable; its own name, of either form. */
const classHead = /^\s*(?:(?:(?:var|let|const) )?([\w$]+) = class(?: ([\w$]+))?|class ([\w$]+))(?: extends [\w$.]+)? \{$/d

/** Whether esbuild may have made a name: it puts `_` in front, or a number at the end. */
function isMade(name: string): boolean {
  return /^_|\d$/.test(name)
}

/** What the source map says about a name in the code: where it comes from, and how it is spelt there if that differs. */
interface Origin {
  readonly place: string
  readonly name: string | undefined
}

/** Tells where a name that stands exactly there comes from, both numbers 0-based; `undefined` for what only looks like one, inside a text. */
type OriginOf = (row: number, column: number | undefined) => Origin | undefined

function readOrigins(sourceMap: string): OriginOf {
  const map = new TraceMap(sourceMap)
  const mappings = decodedMappings(map)
  return (row, column) => {
    const segment = mappings[row]?.find(([start]) => start === column)
    if (segment === undefined) return undefined
    const [, source, line, place, name] = segment
    return { place: `${source}:${line}:${place}`, name: name === undefined ? undefined : map.names[name] }
  }
}

/**
 * Gives classes the name they have in the source: esbuild renames those that share a name with another, and calls a class `_A`
 * that speaks of itself; code that asks `error.constructor.name` would see it. What is added stands at the end of a line, so that the
 * source map stays true. esbuild's `keepNames` would do it for functions too, at the price of a call for every closure that is made.
 */
export function keepClassNames(code: string, sourceMap: string): string {
  if (!code.includes('class ')) return code
  let originOf: OriginOf | undefined
  const lines = code.split('\n')
  for (const [row, line] of lines.entries()) {
    const head = line.endsWith('{') ? classHead.exec(line) : null
    if (head === null) continue
    const [, bound, inner, declared] = head
    const given = inner ?? declared ?? bound ?? ''
    if (!isMade(given) && (bound === undefined || !isMade(bound))) continue
    const [, boundAt, innerAt, declaredAt] = head.indices ?? []
    originOf ??= readOrigins(sourceMap)
    const own = originOf(row, (innerAt ?? declaredAt ?? boundAt)?.[0])
    const outer = originOf(row, boundAt?.[0])
    if (own === undefined) continue
    // A name that esbuild adds comes from where the variable does; one that the source has comes from a place of its own.
    const name = outer?.place === own.place ? (outer.name ?? bound) : (own.name ?? given)
    if (name !== given) lines[row] = `${line} static { ${classNameHelper}(this, ${JSON.stringify(given)}, ${JSON.stringify(name)}); }`
  }
  return lines.join('\n')
}
