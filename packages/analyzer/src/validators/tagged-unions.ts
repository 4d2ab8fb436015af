import { _, getProperty, Name, or, stringify, type Code } from 'ajv/dist/compile/codegen/index.js'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import type { KeywordCxt } from 'ajv'
import { isSchema } from '../schema/json-schema.ts'
import { findUnionTag, type UnionTag } from './union-tag.ts'

/**
 * Has `anyOf` and `oneOf` look at the property that tells their alternatives apart, where there is one, so that a value is compared with
 * the one alternative that it means, and what is wrong is said about that. ajv's own `discriminator` does so for texts only.
 */
export function lookAtTags(ajv: Ajv2020): void {
  for (const name of ['anyOf', 'oneOf']) {
    const definition = ajv.getKeyword(name)
    if (typeof definition !== 'object' || !('code' in definition)) continue
    const { code, error } = definition
    ajv.removeKeyword(name)
    ajv.addKeyword({
      ...definition,
      error: {
        message: '',
        params: (context) => {
          const { tag, values } = context.params
          if (tag !== undefined) return _`{tag: ${tag}, values: ${values}}`
          return typeof error?.params === 'function' ? error.params(context) : (error?.params ?? _`{}`)
        },
      },
      code(context: KeywordCxt, ruleType) {
        const tag = findTag(context)
        if (tag === undefined) code(context, ruleType)
        else writeTagged(context, tag)
      },
    })
  }
}

function findTag({ schema, it }: KeywordCxt): UnionTag | undefined {
  const { root } = it.schemaEnv
  const definitions: unknown = isSchema(root.schema) ? root.schema['$defs'] : undefined
  // Below an `$id` of its own, references lead elsewhere.
  return findUnionTag(schema, (reference) =>
    it.baseId === root.baseId && isSchema(definitions) ? definitions[reference.slice('#/$defs/'.length)] : undefined,
  )
}

function writeTagged(context: KeywordCxt, { name, values }: UnionTag): void {
  const { gen, data, keyword, parentSchema } = context
  const valid = gen.let('valid', false)
  const isObject = _`typeof ${data} == "object" && ${data} && !Array.isArray(${data})`
  gen.if(
    isObject,
    () => {
      const tag = gen.const('tag', _`${data}${getProperty(name)}`)
      gen.if(false)
      for (const [index, own] of values.entries()) {
        gen.elseIf(or(...own.map((value): Code => _`${tag} === ${value}`)))
        const isAlternative = gen.name('valid')
        const alternative = context.subschema({ keyword, schemaProp: index }, isAlternative)
        context.mergeEvaluated(alternative, Name)
        gen.assign(valid, isAlternative)
      }
      gen.else()
      context.error(false, { tag: stringify(name), values: stringify(values.flat()) })
      gen.endIf()
    },
    // The keyword `type` beside this one says so already.
    () => (parentSchema['type'] === 'object' ? gen.assign(valid, true) : context.error(false, { passing: _`null` })),
  )
  context.ok(valid)
}
