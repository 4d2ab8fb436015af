import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { isFunctionLike, propertyName, unwrap } from '../source/syntax.ts'

/** The parameters of the handler that mean something to the manifest. */
export interface HandlerParameters {
  /** What the caller sends: its members are no capabilities, whatever they are called. */
  readonly input?: ts.Node | undefined
  readonly context?: ts.Node | undefined
  /** The second parameter of a `fetch` method. */
  readonly environment?: ts.Node | undefined
}

/** Finds the parameters of the handler that a file exports: `(input, ctx)`, or `fetch(request, env, ctx)`. */
export function findHandlerParameters(ast: ts.SourceFile): HandlerParameters {
  const found = findDefaultExport(ast)
  const value = found.kind === 'local' ? found.value : undefined
  if (value === undefined) return {}
  if (isFunctionLike(value)) return { input: value.parameters[0], context: value.parameters[1] }
  const parameters = ts.isObjectLiteralExpression(value) ? fetchMethod(value)?.parameters : undefined
  return { input: parameters?.[0], context: parameters?.[2], environment: parameters?.[1] }
}

function fetchMethod(object: ts.ObjectLiteralExpression): ts.SignatureDeclaration | undefined {
  const property = object.properties.find((one) => one.name !== undefined && propertyName(one.name) === 'fetch')
  if (property === undefined) return undefined
  if (ts.isMethodDeclaration(property)) return property
  const value = ts.isPropertyAssignment(property) ? unwrap(property.initializer) : undefined
  return value !== undefined && isFunctionLike(value) ? value : undefined
}
