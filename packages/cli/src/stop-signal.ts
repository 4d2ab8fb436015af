/** Calls `listener` on Ctrl-C and SIGTERM, once per signal; the returned function stops listening. */
export function onStopSignal(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
