/** Host calls that no platform grants yet, and what a function can do instead. */
export const deniedMethods: ReadonlyMap<string, string> = new Map([
  ['net.fetch', 'Cannot fetch: outbound requests are not granted; pass the data in the input, or let the host application fetch it'],
  ['functions.invoke', 'Cannot call another function: ctx.functions is not granted; call it from the host application, or bundle the code'],
])
