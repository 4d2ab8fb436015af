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
  const isCircular = createCircleCheck(schema)
  const waiting: [name: string, target: unknown][] = []
  function nameOf(reference: string): string | undefined {
    const known = names.get(reference)
    if (known !== undefined) return known
    const target = targetOf(reference, schema)
    if (target === undefined || isCircular(reference)) return undefined
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

/**
 * Tells whether a reference leads, with nothing in between, back to itself or to one that does: such a schema says nothing, and such a type is
 * none. Each is followed once for all questions together.
 */
function createCircleCheck(root: Schema): (reference: string) => boolean {
  /** `open`: on the way from the one that was asked about. */
  const states = new Map<string, 'open' | 'circular' | 'plain'>()
  return (asked) => {
    const way = [asked]
    for (let at = way.at(-1); at !== undefined; at = way.at(-1)) {
      const state = states.get(at)
      const next = state === undefined || state === 'open' ? bareReferences(targetOf(at, root)) : []
      if (state === undefined) {
        states.set(at, 'open')
        for (const one of next) if (!states.has(one)) way.push(one)
        continue
      }
      way.pop()
      if (state === 'open') states.set(at, next.every((one) => states.get(one) === 'plain') ? 'plain' : 'circular')
    }
    return states.get(asked) === 'circular'
  }
}

/** What a schema refers to as a whole, or as one of its alternatives or parts. */
function bareReferences(schema: unknown): readonly string[] {
  const found: string[] = []
  const waiting: unknown[] = [schema]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!isRecord(next)) continue
    const { $ref, anyOf, oneOf, allOf } = next
    if (typeof $ref === 'string') found.push($ref)
    for (const list of [anyOf, oneOf, allOf]) if (Array.isArray(list)) for (const one of list) waiting.push(one)
  }
  return found
}
