/** Time between two signs of life in milliseconds: often on a terminal, rarely in a log. */
const terminalMs = 200
const logMs = 15_000

/**
 * Shows on stderr that something long is under way, and for how long.
 *
 * @param {string} title
 */
export function reportProgress(title) {
  const startedAt = Date.now()
  const isTerminal = process.stderr.isTTY
  function elapsed() {
    return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  }
  function show() {
    process.stderr.write(isTerminal ? `\r${title} … ${elapsed()}` : `${title} … ${elapsed()}\n`)
  }
  process.stderr.write(isTerminal ? `${title} …` : `${title} …\n`)
  const timer = setInterval(show, isTerminal ? terminalMs : logMs)
  return {
    /** @param {boolean} isDone */
    end(isDone) {
      clearInterval(timer)
      process.stderr.write(`${isTerminal ? '\r' : ''}${title} … ${isDone ? 'done' : 'failed'} in ${elapsed()}\n`)
    },
  }
}
