import type { Context } from '@cordon/contracts'
import type { LoadHead } from '../frames/protocol.ts'
import { headOf, type Call } from './call.ts'
import { createDatabase } from './database.ts'
import { denied } from './denied.ts'
import { callHost } from './host-call.ts'
import { contextLog } from './log.ts'
import { defineValue, objectFreeze, NativePromise } from './primordials.ts'

let load: LoadHead | undefined
let tenant: { readonly id: string } = { id: '' }

/** What all invocations of the loaded version have in common. */
export function setLoadHead(head: LoadHead): void {
  load = head
  tenant = objectFreeze({ id: head.tenant })
  objectFreeze(head.env)
}

const noSecrets: Readonly<Record<string, string>> = new Proxy(Object.freeze(Object.create(null)), {
  get(_target, name) {
    if (typeof name === 'symbol') return undefined
    throw denied(`Cannot read the secret "${name}": this platform grants no secrets yet; pass the value in the input`)
  },
})

/** `ctx`. Its parts are made when they are read: most functions read few of them. */
class CallContext implements Context {
  readonly #call: Call
  #db: Context['db'] | undefined

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
    return noSecrets
  }

  get functions(): Context['functions'] {
    const call = this.#call
    return { invoke: <Input, Output>(name: string, input?: Input) => callHost(call, 'functions.invoke', { name, input }) as Promise<Output> }
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
    return { id: headOf(this.#call).i, function: load?.function ?? '', version: load?.version ?? '' }
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
