import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping'
import { classNameHelper } from './wrapper.ts'

/** The head of a class as esbuild prints it: bound to a variable, or declared. Its own name stands in the third or fourth group. */
const classHead = /^(\s*)(?:(?:(?:var|let|const) )?([\w$]+) = class(?: ([\w$]+))?|class ([\w$]+))(?: extends [\w$.]+)? \{$/

/** Whether esbuild may have made a name: it puts `_` in front, or a number at the end. */
function isMade(name: string): boolean {
  return /^_|\d$/.test(name)
}

/**
 * Gives classes the name they have in the source: esbuild renames those that share a name with another, and calls a class `_A`
 * that speaks of itself; code that asks `error.constructor.name` would see it. What is added stands at the end of a line, so that the
 * source map stays true. esbuild's `keepNames` would do it for functions too, at the price of a call for every closure that is made.
 */
export function keepClassNames(code: string, sourceMap: string): string {
  if (!code.includes('class ')) return code
  let mappings: ReturnType<typeof decodedMappings> | undefined
  let names: readonly string[] = []

  function sourceNameOf(name: string, row: number, column: number): string {
    if (mappings === undefined) {
      const map = new TraceMap(sourceMap)
      mappings = decodedMappings(map)
      names = map.names
    }
    const index = mappings[row]?.find((segment) => segment[0] === column)?.[4]
    return (index === undefined ? undefined : names[index]) ?? name
  }

  const lines = code.split('\n')
  for (const [row, line] of lines.entries()) {
    const head = line.endsWith('{') ? classHead.exec(line) : null
    if (head === null) continue
    const [, indent = '', bound, inner, declared] = head
    const given = inner ?? declared ?? bound ?? ''
    if (!isMade(given) && (bound === undefined || !isMade(bound))) continue
    let name = sourceNameOf(given, row, line.indexOf(`class ${given}`) + 'class '.length)
    if (bound !== undefined) {
      const outer = sourceNameOf(bound, row, line.indexOf(bound, indent.length))
      if (inner === undefined || new RegExp(`^_+${outer.replaceAll('$', '\\$')}\\d*$`).test(inner)) name = outer
    }
    if (name !== given) lines[row] = `${line} static { ${classNameHelper}(this, ${JSON.stringify(given)}, ${JSON.stringify(name)}); }`
  }
  return lines.join('\n')
}
