import type { Access, Manifest, Schemas } from '@cordon/contracts'
import { commentOf } from './comment.ts'
import { sideTypes, type SideTypes } from './side-types.ts'
import type { Side } from './type-text.ts'

/** What is known of a function. */
export interface DescribedFunction {
  readonly name: string
  readonly handler: Manifest['handler']
  readonly access: Access
  readonly schemas: Schemas
}

/** Writes the declarations of the client for these functions: the text of a `.d.ts` that stands alone. */
export function writeDeclarations(functions: readonly DescribedFunction[]): string {
  const reachable = functions.filter(({ access }) => access !== 'internal')
  const aliases: string[] = []
  const members = reachable.filter(({ handler }) => handler !== 'http').map((one) => memberOf(one, aliases))
  const http = reachable.filter(({ handler }) => handler === 'http').map(({ name }) => JSON.stringify(name))
  return [
    '// Written by `cordon types` from the functions that were live then; write it again when they change.\n',
    '/** The JSON functions: what each takes and gives. */',
    members.length === 0 ? 'export type Functions = {}\n' : `export interface Functions {\n${members.join('\n')}\n}\n`,
    '/** The HTTP functions. */',
    `export type HttpFunctions = ${http.length === 0 ? 'never' : http.join(' | ')}\n`,
    ...aliases,
    clientDeclarations,
  ].join('\n')
}

function memberOf({ name, schemas }: DescribedFunction, aliases: string[]): string {
  const taken = new Set<string>()
  function typeOf(side: Side): string {
    const schema = schemas[side]
    const types: SideTypes =
      schema === undefined
        ? { text: 'unknown', aliases: [] }
        : sideTypes(schema, { side, take: (wanted) => aliasName(name, `${side}_${wanted}`, taken) })
    aliases.push(...types.aliases)
    const mayBeMissing = side === 'input' ? schemas.inputOptional : schemas.outputOptional
    return mayBeMissing === true && types.text !== 'unknown' ? `${types.text} | undefined` : types.text
  }
  const comment = schemas.description === undefined ? '' : commentOf(schemas.description)
  return `${comment}${JSON.stringify(name)}: {\ninput: ${typeOf('input')}\noutput: ${typeOf('output')}\n}`
}

/** `$` separates what a name of a function cannot hold, `-` is written as `$$`: no two functions share a name. */
function aliasName(functionName: string, wanted: string, taken: Set<string>): string {
  const base = `${functionName.replaceAll('-', '$$$$').replaceAll(/[^\w$]/g, '_')}$${wanted.replaceAll(/\W/g, '_')}`
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${base}$${number}`
  taken.add(name)
  return name
}

/** What the module beside the declarations exports (`client.ts`). */
const clientDeclarations = `
/** A call that failed; the fields are those of the problem that the platform answered with. */
export declare class CallError extends Error {
  readonly status: number
  /** Code of the error table, for example \`INVALID_INPUT\`. */
  readonly code: string | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  readonly invocationId: string | undefined
  /** Where the input or output does not fit. */
  readonly issues: readonly { readonly path: string; readonly expected: string; readonly got: string }[]
}

export interface ClientOptions {
  /** Where the platform is mounted: \`https://example.com/cordon\`. */
  readonly url: string
  /** Headers of every request, for example credentials. */
  readonly headers?: Record<string, string> | (() => Record<string, string>)
  /** @default globalThis.fetch */
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly headers?: Record<string, string>
}

type CallArguments<Input> = undefined extends Input ? [input?: Input, options?: CallOptions] : [input: Input, options?: CallOptions]

export interface Client {
  /** Calls a JSON function. Dates and bytes of an output are text: ISO 8601 and base64. @throws CallError */
  invoke<Name extends keyof Functions>(name: Name, ...args: CallArguments<Functions[Name]['input']>): Promise<Functions[Name]['output']>
  /** Calls an HTTP function; \`path\` starts with a slash. */
  fetch(name: HttpFunctions, path?: string, init?: RequestInit): Promise<Response>
}

export declare function createClient(options: ClientOptions): Client
`
