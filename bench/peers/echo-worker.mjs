/** What the pools run: the same work as the trivial function. */
export function echo(input) {
  return { n: input.n }
}

/** The whole value comes back. */
export function echoAll(input) {
  return input
}
