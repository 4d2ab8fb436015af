/** Freezes plain data without cycles and all that hangs on it; with a stack of its own, since data may be nested deeper than the engine's. */
export function freezeDeeply(data: object): void {
  const stack: object[] = [data]
  for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
    Object.freeze(one)
    for (const value of Object.values(one) as unknown[]) {
      if (typeof value === 'object' && value !== null) stack.push(value)
    }
  }
}
