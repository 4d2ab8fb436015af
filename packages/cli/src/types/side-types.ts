import { isRecord } from '@cordon/contracts'
import { typeText, type Side } from './type-text.ts'

type Schema = Readonly<Record<string, unknown>>

/** The types of one side of a function. */
export interface SideTypes {
  /** The type itself, by name or in place. */
  readonly text: string
  /** `type … = …` for each definition that is referred to. */
  readonly aliases: readonly string[]
}

/** Writes the schema of one side: what it refers to by name becomes a type of its own, whose name `take` makes unique. */
export function sideTypes(schema: Schema, { side, take }: { side: Side; take: (name: string) => string }): SideTypes {
  const names = new Map<string, string>()
  const waiting: [name: string, target: unknown][] = []
  function nameOf(reference: string): string | undefined {
    const known = names.get(reference)
    if (known !== undefined) return known
    const target = targetOf(reference, schema)
    if (target === undefined || isCircular(reference, schema)) return undefined
    const name = take(reference === '#' ? 'Whole' : (reference.split('/').at(-1) ?? ''))
    names.set(reference, name)
    waiting.push([name, target])
    return name
  }
  const text = typeText(schema, { side, nameOf })
  const aliases: string[] = []
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, target] = next
    aliases.push(`type ${name} = ${typeText(target, { side, nameOf })}`)
  }
  return { text, aliases }
}

function targetOf(reference: string, root: Schema): unknown {
  if (reference === '#') return root
  const [, keyword = '', name = ''] = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference) ?? []
  const definitions = root[keyword]
  return isRecord(definitions) && Object.hasOwn(definitions, name) ? definitions[name] : undefined
}

/** Whether a definition leads back to itself with nothing in between: such a schema says nothing, and such a type is none. */
function isCircular(reference: string, root: Schema): boolean {
  const seen = new Set<string>()
  const waiting: unknown[] = [targetOf(reference, root)]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!isRecord(next)) continue
    const { $ref, anyOf, oneOf, allOf } = next
    if ($ref === reference) return true
    if (typeof $ref === 'string' && !seen.has($ref)) {
      seen.add($ref)
      waiting.push(targetOf($ref, root))
    }
    for (const list of [anyOf, oneOf, allOf]) if (Array.isArray(list)) waiting.push(...list)
  }
  return false
}
