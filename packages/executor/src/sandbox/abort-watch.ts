const watches = new WeakMap<AbortSignal, AbortWatch>()

/**
 * Calls `listener` when a signal aborts. However many calls share a signal, it carries one listener of ours: adding and
 * removing one of thousands would walk through them all, and Node warns of a leak from the eleventh on.
 */
export function watchAbort(signal: AbortSignal, listener: () => void): void {
  let watch = watches.get(signal)
  if (watch === undefined) {
    watches.set(signal, (watch = new AbortWatch()))
    signal.addEventListener('abort', watch, { once: true })
  }
  watch.listeners.add(listener)
}

/** Takes a listener away again, and with the last one everything that hangs on the signal. */
export function unwatchAbort(signal: AbortSignal, listener: () => void): void {
  const watch = watches.get(signal)
  if (watch?.listeners.delete(listener) !== true || watch.listeners.size > 0) return
  watches.delete(signal)
  signal.removeEventListener('abort', watch)
}

class AbortWatch {
  readonly listeners = new Set<() => void>()

  handleEvent(): void {
    for (const listener of this.listeners) listener()
  }
}
