import type { Client, ClientConfig } from 'pg'
import type { ConnectionBudget } from './connection-budget.ts'

/** What the clients of one pool share. */
export interface ClientBounds {
  /** Longest time until the server has let it in, in milliseconds. */
  readonly connectTimeoutMs: number
  readonly budget: ConnectionBudget | undefined
  /** Those that the server has not let in yet. */
  readonly connecting: Set<Client>
  /** Whether the pool wants no more connections. */
  readonly isClosed: () => boolean
}

type Connected = ((error: Error) => void) | ((error: null, client: Client) => void)

/**
 * The class of a pool's clients: with a deadline for connecting, told to each client because the pool would count the time in its line, too;
 * and within a budget, whose room is given back when the socket is closed.
 */
export function createClientClass(Base: typeof Client, { connectTimeoutMs, budget, connecting, isClosed }: ClientBounds): typeof Client {
  return class extends Base {
    constructor(config?: string | ClientConfig) {
      // Named, because the pool hides the password from spreading.
      super(typeof config === 'object' ? { ...config, password: config.password, connectionTimeoutMillis: connectTimeoutMs } : config)
    }

    override connect(): Promise<Client>
    override connect(callback: Connected): void
    override connect(callback?: Connected): Promise<Client> | void {
      // The pool always gives one.
      if (callback === undefined) return super.connect()
      if (budget === undefined) this.#connectNow(callback)
      else void budget.take().then(() => this.#connectWithin(budget, callback))
    }

    #connectWithin(room: ConnectionBudget, callback: Connected): void {
      if (isClosed()) {
        room.give()
        Reflect.apply(callback, undefined, [new Error('Connection terminated')])
        return
      }
      this.once('end', () => room.give())
      this.#connectNow(callback)
    }

    #connectNow(callback: Connected): void {
      connecting.add(this)
      this.once('end', () => connecting.delete(this))
      super.connect(callback)
    }
  }
}
