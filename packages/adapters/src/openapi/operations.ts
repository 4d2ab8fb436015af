import type { FunctionDetails } from '@cordon/contracts'
import { moveSchema } from './component-schema.ts'
import { firstLine, safeMarkdown } from './markdown.ts'
import { errorReferences } from './responses.ts'

type Json = Readonly<Record<string, unknown>>

/** What one function adds to the document. */
export interface DescribedFunction {
  readonly path: Json
  /** Its schemas, by name among the components. */
  readonly schemas: Json
}

/** Longest summary in characters: a line of a table of contents. */
const maxSummary = 120

/** Describes one function: its operations, and the schemas that they refer to. `isShort` leaves the schemas out. */
export function describeFunction(details: FunctionDetails, isShort: boolean): DescribedFunction {
  return details.manifest.handler === 'http' ? describeHttp(details) : describeJson(details, isShort)
}

/** A JSON function takes its input as the body of a POST. */
function describeJson(details: FunctionDetails, isShort: boolean): DescribedFunction {
  const { name, schemas } = details
  const input = isShort ? undefined : component(`${name}.input`, schemas.input)
  const output = isShort ? undefined : component(`${name}.output`, schemas.output)
  const body = { required: schemas.input !== undefined && schemas.inputOptional !== true, ...content(input?.reference) }
  const mayBeEmpty = schemas.output === undefined || schemas.outputOptional === true
  const operation = {
    operationId: name,
    ...texts(details),
    requestBody: body,
    responses: {
      '200': { description: 'The output.', ...content(output?.reference) },
      ...(mayBeEmpty ? { '204': { description: 'The function returned nothing.' } } : {}),
      ...errorReferences(needsCredentials(details)),
    },
    security: securityOf(details),
  }
  return { path: { post: operation }, schemas: { ...input?.schemas, ...output?.schemas } }
}

/** An HTTP function decides itself what it answers to which method and path. */
function describeHttp(details: FunctionDetails): DescribedFunction {
  const { summary, description } = texts(details)
  const note = 'An HTTP function: it answers every method, also at paths below this one, and what it answers is its own.'
  const operation = (method: string) => ({
    operationId: `${details.name}.${method}`,
    summary,
    description: description === undefined ? note : `${description}\n\n${note}`,
    responses: {
      '200': { description: 'What the function answers.' },
      ...errorReferences(needsCredentials(details)),
    },
    security: securityOf(details),
  })
  return { path: { get: operation('get'), post: operation('post') }, schemas: {} }
}

/** Whether the function asks for credentials. */
export function needsCredentials({ manifest }: Pick<FunctionDetails, 'manifest'>): boolean {
  return manifest.config.access !== 'public'
}

function securityOf(details: FunctionDetails): readonly Json[] {
  return needsCredentials(details) ? [{ credentials: [] }] : []
}

function texts({ name, schemas: { description } }: FunctionDetails): { readonly summary: string; readonly description?: string } {
  if (description === undefined) return { summary: name }
  return { summary: firstLine(description, maxSummary) || name, description: safeMarkdown(description) }
}

function content(reference: Json | undefined): Json {
  return { content: { 'application/json': { schema: reference ?? {} } } }
}

function component(name: string, schema: Json | undefined): { readonly reference: Json; readonly schemas: Json } | undefined {
  const address = `#/components/schemas/${name}`
  const moved = schema === undefined ? undefined : moveSchema(schema, address)
  return moved && { reference: { $ref: address }, schemas: { [name]: moved } }
}
