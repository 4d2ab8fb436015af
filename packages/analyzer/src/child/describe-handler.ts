import type { ResolvedFunctionConfig, Schemas } from '@cordon/contracts'
import { findHandlerSchemas, type SideSchema } from '../schema/handler-schemas.ts'
import type { TypeProgram } from '../schema/type-program.ts'
import type { ParsedSources, SourceText } from '../source/source-text.ts'
import { checkSchema } from '../validators/check-schema.ts'
import { writeValidators } from '../validators/write-validators.ts'
import type { Reporter } from './reporter.ts'

/** What a handler takes and gives, and the code that checks it. */
export interface DescribedHandler {
  readonly schemas: Schemas
  /** An expression that gives contracts' `Validators`. */
  readonly validators: string | undefined
  /** Types that were reported because they have no schema. */
  readonly undescribed: ReadonlySet<string>
}

/** What describing a handler needs. */
export interface HandlerSurroundings {
  readonly entry: SourceText
  readonly openProgram: () => TypeProgram | undefined
  readonly parsed: ParsedSources
  readonly config: ResolvedFunctionConfig
  readonly reporter: Reporter
}

/** Works out the schemas of a JSON function and reports the types that have none. */
export function describeHandler({ entry, openProgram, parsed, config, reporter }: HandlerSurroundings): DescribedHandler {
  const given = { input: givenSchema('input', config, entry, reporter), output: givenSchema('output', config, entry, reporter) }
  const { input, output, problems } = findHandlerSchemas(entry, openProgram, given)
  for (const { node, message } of problems) {
    const file = parsed.files.find((one) => one.ast === node.getSourceFile())
    // What stands in a file of types or in a package is reported where the handler is.
    const place = file === undefined ? undefined : { start: node.getStart(file.ast), length: node.getWidth(file.ast) }
    reporter.add({ rule: 'schema-types', severity: 'warn', message, file: (file ?? entry).path, text: (file ?? entry).text, place })
  }
  return {
    schemas: { ...schemaOf('input', input), ...schemaOf('output', output) },
    validators: writeValidators({ input, output }),
    undescribed: new Set(problems.flatMap(({ type }) => type ?? [])),
  }
}

function schemaOf(name: 'input' | 'output', side: SideSchema | undefined): Schemas {
  if (side === undefined) return {}
  return { [name]: side.schema, ...(side.isOptional ? { [`${name}Optional`]: true } : {}) }
}

/** The schema that `config` gives for a side, unless it is none. */
function givenSchema(name: 'input' | 'output', config: ResolvedFunctionConfig, entry: SourceText, reporter: Reporter) {
  const schema = config[name]
  const problem = schema === undefined ? undefined : checkSchema(schema)
  if (problem === undefined) return schema
  const message = `config.${name} is not a JSON Schema of draft 2020-12: ${problem}. Correct it, or leave it out: the types of the handler describe it too.`
  reporter.add({ rule: 'config-schema', severity: 'error', message, file: entry.path, text: entry.text })
  return undefined
}
