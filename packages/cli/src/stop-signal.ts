/** Calls `listener` on Ctrl-C, SIGTERM and the end of the terminal, once per signal; the returned function stops listening. */
export function onStopSignal(listener: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
