// Syntax of this file and of the entries that import it stays at what Node 12 parses, so that the sentence below is
// what an old Node prints instead of a SyntaxError.

/** The oldest Node that works: the first 20 that has `require()` of ES modules. Equal to `engines.node` of every package. */
export var minimumNode = [20, 19]

/**
 * Says in one sentence that `version` (`'20.19.0'`) is too old, or returns null.
 *
 * @param {string} version
 * @param {string} command what to run again
 */
export function describeOldNode(version, command) {
  var parts = version.split('.').map(Number)
  if (parts[0] > minimumNode[0] || (parts[0] === minimumNode[0] && parts[1] >= minimumNode[1])) return null
  return (
    'Cannot start: this is Node ' +
    version +
    ', and Cordon needs Node ' +
    minimumNode.join('.') +
    ' or newer. Install it (https://nodejs.org), then run "' +
    command +
    '" again.'
  )
}

/**
 * Runs `load` (a dynamic import) when this Node is new enough, otherwise prints the sentence and sets exit code 1.
 *
 * @param {string} command
 * @param {() => Promise<unknown>} load
 */
export function runOnCurrentNode(command, load) {
  var complaint = describeOldNode(process.versions.node, command)
  if (complaint !== null) {
    console.error(complaint)
    process.exitCode = 1
    return
  }
  load().catch(function (error) {
    // A SetupProblem is a sentence for the user; anything else is a fault of ours and keeps its stack.
    console.error(error && error.name === 'SetupProblem' ? error.message : error)
    process.exitCode = 1
  })
}
