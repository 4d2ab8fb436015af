import type { Revival } from '../schema/description.ts'
import { isSchema, type JsonSchema } from '../schema/json-schema.ts'
import { findUnionTag } from './union-tag.ts'

/** Code that turns checked JSON into what the handler's types say. */
export interface ReviveCode {
  /** Statements of functions, among them `revive`. */
  readonly code: string
  /** Alternatives of unions that the code has to tell apart, as JSON pointers, by the name of the function that it calls. */
  readonly alternatives: ReadonlyMap<string, string>
  /** Whether there are bytes among the values, which JSON alone would write in another way. */
  readonly hasBytes: boolean
}

const revivals: Readonly<Record<Revival, (value: string) => string>> = {
  date: (value) => `new Date(${value})`,
  // Copied: a small Buffer is a window on memory that it shares with others.
  bytes: (value) => `new Uint8Array(Buffer.from(${value}, "base64"))`,
  buffer: (value) => `Buffer.from(${value}, "base64")`,
}

/** Writes the code for a schema; `undefined` when its values are plain JSON. */
export function writeRevive(root: JsonSchema, marks: WeakMap<JsonSchema, Revival>): ReviveCode | undefined {
  const definitions = isSchema(root['$defs']) ? root['$defs'] : {}
  const reviving = findReviving(definitions)
  const alternatives = new Map<string, string>()
  let variables = 0
  let hasBytes = false

  const body = write(root, 'root', '')
  if (body === '') return undefined
  const functions = [...reviving].map((name, index) => {
    const schema = definitions[name]
    return `function revive${index}(root) { ${isSchema(schema) ? write(schema, 'root', `/$defs/${escape(name)}`) : ''} return root }`
  })
  return { code: `${functions.join(' ')} function revive(root) { ${body} return root }`, alternatives, hasBytes }

  /** Statements that replace `target`, or what lies in it; empty when there is nothing to replace. */
  function write(schema: JsonSchema, target: string, pointer: string): string {
    const revival = marks.get(schema)
    if (revival !== undefined && revival !== 'date') hasBytes = true
    if (revival !== undefined) return `if (${target} !== null) ${target} = ${revivals[revival](target)};`
    const { $ref } = schema
    if (typeof $ref === 'string') {
      const index = [...reviving].indexOf($ref.slice('#/$defs/'.length))
      return index < 0 ? '' : `${target} = revive${index}(${target});`
    }
    const value = `v${variables++}`
    const inside = writeProperties(schema, value, pointer) + writeRecord(schema, value, pointer) + writeItems(schema, value, pointer)
    return (inside === '' ? '' : `{ const ${value} = ${target}; ${inside} }`) + writeUnion(schema, target, pointer)
  }

  function writeProperties(schema: JsonSchema, value: string, pointer: string): string {
    return entriesOf(schema['properties'])
      .map(([name, inner]) => {
        const member = `${value}[${JSON.stringify(name)}]`
        const code = write(inner, member, `${pointer}/properties/${escape(name)}`)
        return code === '' ? '' : `if (${member} !== undefined) ${braced(code)}`
      })
      .join('')
  }

  /** Members that are named by a pattern, and all others. */
  function writeRecord(schema: JsonSchema, value: string, pointer: string): string {
    const patterns = entriesOf(schema['patternProperties'])
    const byPattern = patterns.map(([pattern, inner]) => {
      const code = write(inner, `${value}[key]`, `${pointer}/patternProperties/${escape(pattern)}`)
      return code === '' ? '' : `if (new RegExp(${JSON.stringify(pattern)}, "u").test(key)) ${braced(code)}`
    })
    const additional = schema['additionalProperties']
    const others = isSchema(additional) ? write(additional, `${value}[key]`, `${pointer}/additionalProperties`) : ''
    const known = entriesOf(schema['properties']).map(([name]) => `key !== ${JSON.stringify(name)}`)
    const unmatched = patterns.map(([pattern]) => `!new RegExp(${JSON.stringify(pattern)}, "u").test(key)`)
    const code = byPattern.join('') + (others === '' ? '' : `if (${[...known, ...unmatched].join(' && ') || 'true'}) ${braced(others)}`)
    return code === '' ? '' : `for (const key of Object.keys(${value})) { ${code} }`
  }

  function writeItems(schema: JsonSchema, value: string, pointer: string): string {
    const { prefixItems, items } = schema
    const fixed: unknown[] = Array.isArray(prefixItems) ? prefixItems : []
    const byIndex = fixed.map((inner, index) => {
      const code = isSchema(inner) ? write(inner, `${value}[${index}]`, `${pointer}/prefixItems/${index}`) : ''
      return code === '' ? '' : `if (${value}.length > ${index}) ${braced(code)}`
    })
    const index = `i${variables++}`
    const each = isSchema(items) ? write(items, `${value}[${index}]`, `${pointer}/items`) : ''
    const loop = each === '' ? '' : `for (let ${index} = ${fixed.length}; ${index} < ${value}.length; ${index}++) ${braced(each)}`
    return byIndex.join('') + loop
  }

  /** The first alternative that a value fits is the one that it is taken for. */
  function writeUnion(schema: JsonSchema, target: string, pointer: string): string {
    for (const keyword of ['anyOf', 'oneOf']) {
      const list: unknown = schema[keyword]
      if (!Array.isArray(list)) continue
      const branches = list.map((inner: unknown, index) => (isSchema(inner) ? write(inner, target, `${pointer}/${keyword}/${index}`) : ''))
      const last = branches.findLastIndex((code) => code !== '')
      const tag = last < 0 ? undefined : findUnionTag(list, (reference) => definitions[reference.slice('#/$defs/'.length)])
      return branches
        .slice(0, last + 1)
        .map((code, index) => {
          const values = tag?.values[index]?.map((value) => `${target}[${JSON.stringify(tag.name)}] === ${JSON.stringify(value)}`)
          if (values !== undefined) return `if (${values.join(' || ')}) ${braced(code)}`
          const name = `alternative${alternatives.size}`
          alternatives.set(name, `${pointer}/${keyword}/${index}`)
          return `if (${name}(${target})) ${braced(code)}`
        })
        .join(' else ')
    }
    return ''
  }

  /** Names of the definitions from which something to revive can be reached. */
  function findReviving(all: JsonSchema): Set<string> {
    const found = new Set<string>()
    for (let before = -1; before < found.size;) {
      before = found.size
      for (const [name, schema] of entriesOf(all)) if (reaches(schema, found)) found.add(name)
    }
    return found
  }

  function reaches(value: unknown, found: ReadonlySet<string>): boolean {
    if (Array.isArray(value)) return value.some((one) => reaches(one, found))
    if (!isSchema(value)) return false
    const { $ref } = value
    if (marks.has(value) || (typeof $ref === 'string' && found.has($ref.slice('#/$defs/'.length)))) return true
    return Object.values(value).some((one) => reaches(one, found))
  }
}

function entriesOf(value: unknown): [string, JsonSchema][] {
  return isSchema(value) ? Object.entries(value).filter((one): one is [string, JsonSchema] => isSchema(one[1])) : []
}

function braced(code: string): string {
  return `{ ${code} }`
}

function escape(name: string): string {
  return encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
}
