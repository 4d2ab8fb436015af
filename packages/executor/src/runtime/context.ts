import type { Context } from '@cordon/contracts'
import type { LoadHead } from '../frames/protocol.ts'
import { headOf, type Call } from './call.ts'
import { createDatabase } from './database.ts'
import { denied } from './denied.ts'
import { invokeFunction } from './functions.ts'
import { contextLog } from './log.ts'
import { defineValue, NativePromise, objectFreeze, objectHasOwn, objectKeys } from './primordials.ts'

let load: LoadHead | undefined
let tenant: { readonly id: string } = { id: '' }

/** What all invocations of the loaded version have in common. */
export function setLoadHead(head: LoadHead): void {
  load = head
  tenant = objectFreeze({ id: head.tenant })
  objectFreeze(head.env)
}

const NativeProxy = Proxy
const objectCreate = Object.create

/** What the function may read; another name says why it may not. */
function secretsOf(call: Call): Context['secrets'] {
  const values: Record<string, string> = objectCreate(null)
  const given = headOf(call).s
  if (given !== undefined) for (const name of objectKeys(given)) defineValue(values, name, given[name], true)
  return new NativeProxy(objectFreeze(values), secretTraps)
}

// Without a prototype: a trap that somebody adds to Object.prototype is none.
const secretTraps: ProxyHandler<Record<string, string>> = objectFreeze({
  __proto__: null,
  get(values: Record<string, string>, name: string | symbol) {
    if (typeof name === 'symbol') return undefined
    if (objectHasOwn(values, name)) return values[name]
    throw denied(
      `Cannot read the secret "${name}": it is not granted to this function, or not set. Name it in config.secrets, and have it set with platform.secrets.set`,
    )
  },
})

/** `ctx`. Its parts are made when they are read: most functions read few of them. */
class CallContext implements Context {
  readonly #call: Call
  #db: Context['db'] | undefined
  #secrets: Context['secrets'] | undefined

  constructor(call: Call) {
    this.#call = call
  }

  get db(): Context['db'] {
    return (this.#db ??= createDatabase(this.#call))
  }

  get log(): Context['log'] {
    return contextLog
  }

  get env(): Context['env'] {
    return load?.env ?? {}
  }

  get secrets(): Context['secrets'] {
    return (this.#secrets ??= secretsOf(this.#call))
  }

  get functions(): Context['functions'] {
    const call = this.#call
    return { invoke: <Input, Output>(name: string, input?: Input) => invokeFunction(call, name, input) as Promise<Output> }
  }

  get request(): Context['request'] {
    return headOf(this.#call).r as Context['request']
  }

  get user(): Context['user'] {
    return headOf(this.#call).u as Context['user']
  }

  get tenant(): Context['tenant'] {
    return tenant
  }

  get invocation(): Context['invocation'] {
    const { i: id, t: traceparent } = headOf(this.#call)
    const invocation = { id, function: load?.function ?? '', version: load?.version ?? '' }
    return traceparent === undefined ? invocation : { ...invocation, traceparent }
  }

  get signal(): AbortSignal {
    const call = this.#call
    if (call.abort === undefined) {
      call.abort = new AbortController()
      if (call.isCancelled) call.abort.abort()
    }
    return call.abort.signal
  }

  get deadline(): number {
    return headOf(this.#call).d
  }

  get props(): Record<string, never> {
    return {}
  }

  waitUntil(promise: Promise<unknown>): void {
    const list: Promise<unknown>[] = (this.#call.waiting ??= [])
    void defineValue(list, list.length, NativePromise.resolve(promise), true)
  }

  /** Part of the Workers convention; there is no origin to pass through to. */
  passThroughOnException(): void {}
}

objectFreeze(CallContext.prototype)

/** `ctx` of one invocation. */
export function createContext(call: Call): Context {
  return objectFreeze(new CallContext(call))
}
