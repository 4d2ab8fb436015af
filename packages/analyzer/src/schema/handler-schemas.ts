import type { Schemas } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import type { SourceText } from '../source/source-text.ts'
import { isFunctionLike } from '../source/syntax.ts'
import { describeType, type TypeSchema } from './describe-type.ts'
import type { TypeProblem } from './description.ts'
import { findHandlerTypes, type HandlerTypes, type SideType } from './handler-types.ts'
import type { JsonSchema } from './json-schema.ts'
import type { TypeProgram } from './type-program.ts'

/** One side of a handler. */
export interface SideSchema {
  readonly schema: JsonSchema
  readonly isOptional: boolean
  /** Whether values that do not fit are refused; what was only worked out from the code is a description. */
  readonly isEnforced: boolean
  readonly revivals: TypeSchema['revivals']
}

/** The schemas of a handler. */
export interface HandlerSchemas {
  readonly input: SideSchema | undefined
  readonly output: SideSchema | undefined
  readonly problems: readonly TypeProblem[]
}

const none: HandlerSchemas = { input: undefined, output: undefined, problems: [] }

/** Schemas that `config` gives; they replace what the types say. */
export interface GivenSchemas {
  readonly input: Schemas['input'] | undefined
  readonly output: Schemas['output'] | undefined
}

/** Works out the schemas of the function that `entry` exports. The program is asked for when there are types to look at. */
export function findHandlerSchemas(entry: SourceText, openProgram: () => TypeProgram | undefined, given: GivenSchemas): HandlerSchemas {
  if (given.input !== undefined && given.output !== undefined) return withGiven(none, given)
  if (hasNoTypes(entry)) return withGiven(none, given)
  const program = openProgram()
  if (program === undefined) return withGiven(none, given)
  let types: HandlerTypes
  try {
    types = findHandlerTypes(program)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const message = 'The types of the handler are nested too deeply. Make them simpler; until then it is not validated.'
    return withGiven({ ...none, problems: [{ node: entry.ast, message }] }, given)
  }
  const input = given.input === undefined ? side(types.input, 'input', program.checker) : undefined
  const output = given.output === undefined ? side(types.output, 'output', program.checker) : undefined
  const problems = [...types.problems, ...(input?.problems ?? []), ...(output?.problems ?? [])]
  return withGiven({ input: input?.side, output: output?.side, problems }, given)
}

function side(found: SideType | undefined, name: 'input' | 'output', checker: ts.TypeChecker) {
  if (found === undefined) return undefined
  const { schema, revivals, problems } = describeType(
    found.type,
    name,
    found.node,
    checker,
    found.description === '' ? {} : { description: found.description },
  )
  return { side: schema === undefined ? undefined : { schema, isOptional: found.isOptional, isEnforced: found.isDeclared, revivals }, problems }
}

function withGiven(found: HandlerSchemas, given: GivenSchemas): HandlerSchemas {
  const literal = (schema: Readonly<JsonSchema> | undefined) =>
    schema && { schema: { ...schema }, isOptional: false, isEnforced: true, revivals: new WeakMap() }
  return { ...found, input: literal(given.input) ?? found.input, output: literal(given.output) ?? found.output }
}

/** Whether the handler stands here and surely has no type, so that no compiler needs to be asked. */
function hasNoTypes({ ast }: SourceText): boolean {
  const found = findDefaultExport(ast)
  if (found.kind !== 'local' || found.value === undefined || !isFunctionLike(found.value)) return false
  const { value } = found
  const [input] = value.parameters
  const isTyped = [input?.type, value.type, input && ts.getJSDocType(input), ts.getJSDocReturnType(value), ts.getJSDocType(value)].some(Boolean)
  return !isTyped && !mayBeContextual(value)
}

/** A function expression may get its types from what stands around it. */
function mayBeContextual(value: ts.Node): boolean {
  if (ts.isFunctionDeclaration(value)) return false
  let { parent } = value
  while (ts.isParenthesizedExpression(parent)) {
    // A cast of JavaScript: `/** @type {Handler} */ (…)`.
    if (ts.getJSDocTypeTag(parent) !== undefined) return true
    parent = parent.parent
  }
  if (ts.isExportAssignment(parent)) return ts.getJSDocTags(parent).length > 1
  return (
    !ts.isVariableDeclaration(parent) ||
    parent.type !== undefined ||
    ts.getJSDocTypeTag(parent) !== undefined ||
    ts.getJSDocSatisfiesTag(parent) !== undefined
  )
}
