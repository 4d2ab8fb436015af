import { Ajv2020 } from 'ajv/dist/2020.js'
import type { KeywordCxt } from 'ajv'
import { checkedFormats } from './formats.ts'
import { lookAtTags } from './tagged-unions.ts'

/** Keywords that look at as many values as the input has, or at one value in several ways. */
const repeated = [
  'items',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
  'anyOf',
  'oneOf',
]

/**
 * Creates the compiler of one pair of schemas. All mistakes of an input are found, as far as the schema names the places; inside
 * lists, records and unions the first one ends the search, or a hostile input could ask for more errors than memory holds.
 */
export function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    // What is optimised away are a few unused names, at a third of the time that writing the code takes.
    code: { source: true, lines: false, optimize: false },
    allErrors: true,
    strict: false,
    // `NaN` and `Infinity` are no numbers of JSON: the caller would get `null`.
    strictNumbers: true,
    // Names like `toString` are found on every object otherwise.
    ownProperties: true,
    messages: false,
    verbose: true,
    logger: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
  })
  for (const [name, format] of checkedFormats) ajv.addFormat(name, format)
  for (const name of repeated) stopAtFirst(ajv, name)
  lookAtTags(ajv)
  return ajv
}

function stopAtFirst(ajv: Ajv2020, name: string): void {
  const definition = ajv.getKeyword(name)
  if (typeof definition !== 'object' || !('code' in definition)) return
  const { code } = definition
  ajv.removeKeyword(name)
  ajv.addKeyword({
    ...definition,
    code(context: KeywordCxt, ruleType) {
      const it: { allErrors?: boolean; compositeRule?: boolean } = context.it
      const { allErrors, compositeRule } = it
      // Composite: errors are added to the list; outside of `allErrors` each would else return at once with nothing but itself.
      it.allErrors = false
      it.compositeRule = true
      code(context, ruleType)
      restore(it, 'allErrors', allErrors)
      restore(it, 'compositeRule', compositeRule)
    },
  })
}

function restore<K extends string>(target: { [key in K]?: boolean }, key: K, value: boolean | undefined): void {
  if (value === undefined) delete target[key]
  else target[key] = value
}
