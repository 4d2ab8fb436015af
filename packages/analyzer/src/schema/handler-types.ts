import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { isNothing, isOptional } from './optional.ts'
import type { TypeProblem } from './description.ts'
import type { TypeProgram } from './type-program.ts'

/** The type of one side of a handler. */
export interface SideType {
  readonly type: ts.Type
  /** Whether there may be no value at all. */
  readonly isOptional: boolean
  /** Whether the user wrote it, so that it is a promise; or it was worked out from the code. */
  readonly isDeclared: boolean
  /** What a diagnostic points at. */
  readonly node: ts.Node
  readonly description: string
}

/** What the types of a handler say. A side without a type is `undefined`. */
export interface HandlerTypes {
  readonly input: SideType | undefined
  readonly output: SideType | undefined
  readonly problems: readonly TypeProblem[]
}

const none: HandlerTypes = { input: undefined, output: undefined, problems: [] }

/**
 * Finds the types of the default export: the first parameter, and what the promise it returns gives. A handler that has a type
 * nowhere in its signature is one without types: what could be worked out about its output is not taken for a promise.
 */
export function findHandlerTypes({ checker, entry }: TypeProgram): HandlerTypes {
  const type = defaultExport(entry, checker)
  if (type === undefined) return none
  if (type.getProperty('fetch') !== undefined) return none
  const signatures = type.getCallSignatures()
  const [signature] = signatures
  const declaration = signature?.getDeclaration()
  if (signature === undefined || declaration === undefined) return none
  if (signatures.length > 1) {
    const message =
      'The handler has several signatures, and which one a call means cannot be seen. Give it one, with a union; until then it is not validated.'
    return { ...none, problems: [{ node: declaration, message }] }
  }
  const [parameter] = declaration.parameters
  if (parameter !== undefined && isRest(parameter)) {
    const message =
      'The handler takes a list of parameters, and it is called with an input and the context. Name them; until then the input is not validated.'
    return { ...none, problems: [{ node: parameter, message }] }
  }
  const isInputTyped = parameter !== undefined && (hasType(parameter) || isContextual(declaration, checker))
  if (!isInputTyped && !hasReturnType(declaration)) return none
  const [symbol] = signature.getParameters()
  return {
    input: isInputTyped && symbol !== undefined ? inputOf(symbol, parameter, checker) : undefined,
    output: outputOf(signature, declaration, checker),
    problems: [],
  }
}

function defaultExport(entry: ts.SourceFile, checker: ts.TypeChecker): ts.Type | undefined {
  const module = checker.getSymbolAtLocation(entry)
  // A CommonJS file has no module symbol that could be asked for.
  const value = module === undefined ? findDefaultExport(entry) : undefined
  if (value?.kind === 'local' && value.value !== undefined) return checker.getTypeAtLocation(value.value)
  const found = module?.exports?.get(ts.InternalSymbolName.Default) ?? module?.exports?.get(ts.InternalSymbolName.ExportEquals)
  if (found === undefined) return undefined
  return checker.getTypeOfSymbol((found.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(found) : found)
}

function inputOf(symbol: ts.Symbol, parameter: ts.ParameterDeclaration | ts.JSDocParameterTag, checker: ts.TypeChecker): SideType | undefined {
  const type = checker.getTypeOfSymbol(symbol)
  if (isNothing(type)) return undefined
  const mayBeMissing = mayBeLeftOut(parameter) || isOptional(type)
  const description = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim()
  return { type, isOptional: mayBeMissing, isDeclared: true, node: parameter, description }
}

function outputOf(signature: ts.Signature, declaration: ts.SignatureDeclaration | ts.JSDocSignature, checker: ts.TypeChecker): SideType | undefined {
  const returned = signature.getReturnType()
  const type = checker.getAwaitedType(returned) ?? returned
  // A function that gives nothing, or never returns, has no output to describe.
  if (isNothing(type) || (type.flags & ts.TypeFlags.Never) !== 0) return undefined
  const tag = ts.getJSDocReturnTag(declaration)
  const description = tag === undefined ? '' : (ts.getTextOfJSDocComment(tag.comment) ?? '').trim()
  const node = (ts.isFunctionLike(declaration) ? declaration.type : undefined) ?? ts.getNameOfDeclaration(declaration) ?? declaration
  return { type, isOptional: isOptional(type), isDeclared: hasReturnType(declaration), node, description }
}

function isRest(parameter: ts.ParameterDeclaration | ts.JSDocParameterTag): boolean {
  return ts.isParameter(parameter) && parameter.dotDotDotToken !== undefined
}

function hasType(parameter: ts.ParameterDeclaration | ts.JSDocParameterTag): boolean {
  return ts.isParameter(parameter) ? (parameter.type ?? ts.getJSDocType(parameter)) !== undefined : parameter.typeExpression !== undefined
}

function hasReturnType(declaration: ts.SignatureDeclaration | ts.JSDocSignature): boolean {
  return (declaration.type ?? ts.getJSDocReturnType(declaration)) !== undefined
}

/** A function whose type stands elsewhere: `satisfies Handler`, `const handler: Handler = …`, `@type {Handler}`. */
function isContextual(declaration: ts.Node, checker: ts.TypeChecker): boolean {
  if (ts.isFunctionDeclaration(declaration)) return ts.getJSDocType(declaration) !== undefined
  const isExpression = ts.isFunctionExpression(declaration) || ts.isArrowFunction(declaration)
  const type = isExpression ? checker.getContextualType(declaration) : undefined
  return type !== undefined && type.getCallSignatures().length > 0
}

/** `input?: T`, `input: T = …`, `@param {T} [input]` */
function mayBeLeftOut(parameter: ts.ParameterDeclaration | ts.JSDocParameterTag): boolean {
  if (!ts.isParameter(parameter)) return parameter.isBracketed
  if (parameter.questionToken !== undefined || parameter.initializer !== undefined) return true
  return ts.getJSDocParameterTags(parameter).some((tag) => tag.isBracketed)
}
