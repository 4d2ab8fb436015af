import { invalidOption, toPlatformError, type PlatformError, type PlatformEvents } from '@cordon/contracts'

type Listeners = { readonly [E in keyof PlatformEvents]: Set<(value: PlatformEvents[E]) => void> }

/** The events of a platform. A listener that throws neither hurts the others nor the caller that caused the event. */
export class EventHub {
  readonly #listeners: Listeners = { deployment: new Set(), invocation: new Set(), sandbox: new Set(), slowQuery: new Set(), warning: new Set() }
  readonly #onListenerError: (error: PlatformError) => void

  /** `onListenerError` is told what a listener threw. */
  constructor(onListenerError: (error: PlatformError) => void) {
    this.#onListenerError = onListenerError
  }

  /** @throws PlatformError INVALID_OPTION for an unknown event or a listener that is no function */
  on<E extends keyof PlatformEvents>(event: E, listener: (value: PlatformEvents[E]) => void): () => void {
    if (typeof event !== 'string' || !Object.hasOwn(this.#listeners, event))
      throw invalidOption('event', `one of ${Object.keys(this.#listeners).join(', ')}`, event)
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener)
    // Wrapped, so that one function added twice is called twice and removed once.
    const own = (value: PlatformEvents[E]): void => listener(value)
    const listeners: Set<(value: PlatformEvents[E]) => void> = this.#listeners[event]
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  emit<E extends keyof PlatformEvents>(event: E, value: PlatformEvents[E]): void {
    const listeners: Set<(value: PlatformEvents[E]) => void> = this.#listeners[event]
    if (listeners.size === 0) return
    for (const listener of Array.from(listeners)) {
      try {
        const returned: unknown = listener(value)
        // An async listener is a function that returns a promise; its rejection must not end the host either.
        if (returned instanceof Promise) returned.catch((error: unknown) => this.#report(event, error))
      } catch (error) {
        this.#report(event, error)
      }
    }
  }

  #report(event: string, error: unknown): void {
    this.#onListenerError(toPlatformError(error, 'INVALID_OPTION', `run a listener of the event "${event}"`))
  }
}
