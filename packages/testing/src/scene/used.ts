import { decodeValues, isRecord, PlatformError, type Capabilities, type LogEntry } from '@cordon/contracts'

/** A request that a function sent. */
export interface SentRequest {
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** As text; empty for none. */
  readonly body: string
}

/** A statement that a function ran; those of transactions are `BEGIN`, `COMMIT` and `ROLLBACK`. */
export interface RunQuery {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A call of another function. */
export interface CalledFunction {
  readonly name: string
  readonly input: unknown
}

/** What a function used, and the functions that it called, in order: what was let through, not what was denied. */
export interface Used {
  readonly requests: readonly SentRequest[]
  readonly queries: readonly RunQuery[]
  readonly functions: readonly CalledFunction[]
  /** Names of the secrets that they were given. */
  readonly secrets: readonly string[]
}

/** Writes down what functions use. */
export class Recorder implements Used {
  readonly requests: SentRequest[] = []
  readonly queries: RunQuery[] = []
  readonly functions: CalledFunction[] = []
  readonly logs: LogEntry[] = []
  readonly #secrets = new Set<string>()

  get secrets(): readonly string[] {
    return [...this.#secrets]
  }

  noteSecrets(values: Readonly<Record<string, string>> | undefined): void {
    for (const name of Object.keys(values ?? {})) this.#secrets.add(name)
  }

  /** The same capabilities, written down. */
  watch(capabilities: Capabilities): Capabilities {
    return {
      onDispatch: (deadline) => capabilities.onDispatch?.(deadline),
      end: () => capabilities.end(),
      call: async (method, argument) => {
        const undo = this.#note(method, isRecord(argument) ? argument : {})
        try {
          return await capabilities.call(method, argument)
        } catch (error) {
          if (error instanceof PlatformError && error.code === 'CAPABILITY_DENIED') undo()
          throw error
        }
      },
    }
  }

  #note(method: string, argument: Readonly<Record<string, unknown>>): () => void {
    switch (method) {
      case 'db.query':
      case 'db.open':
        return add(this.queries, [queryOf(argument)])
      case 'db.batch':
        return add(this.queries, Array.isArray(argument['statements']) ? argument['statements'].map(queryOf) : [])
      case 'db.begin':
      case 'db.commit':
      case 'db.rollback':
        return add(this.queries, [{ text: method.slice('db.'.length).toUpperCase(), values: [] }])
      case 'functions.invoke':
        return add(this.functions, [{ name: String(argument['name']), input: parse(argument['inputJson']) }])
      default:
        return () => undefined
    }
  }
}

function add<T>(list: T[], entries: readonly T[]): () => void {
  list.push(...entries)
  return () => {
    for (const one of entries) list.splice(list.indexOf(one), 1)
  }
}

function queryOf(statement: unknown): RunQuery {
  const { text, values }: Readonly<Record<string, unknown>> = isRecord(statement) ? statement : {}
  return { text: String(text), values: readValues(values ?? []) }
}

/** What is not a list of values is refused a moment later. */
function readValues(values: unknown): readonly unknown[] {
  try {
    return decodeValues(values)
  } catch {
    return []
  }
}

function parse(json: unknown): unknown {
  if (typeof json !== 'string') return undefined
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
