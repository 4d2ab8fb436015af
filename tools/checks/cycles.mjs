/**
 * Circles in a directed graph, each reported once, as the nodes along it.
 *
 * @param {Map<string, string[]>} graph node -> the nodes it points to
 * @returns {string[][]}
 */
export function findCycles(graph) {
  const cycles = []
  const state = new Map()
  const path = []
  function visit(node) {
    if (state.get(node) === 'done') return
    if (state.get(node) === 'open') {
      cycles.push([...path.slice(path.indexOf(node)), node])
      return
    }
    state.set(node, 'open')
    path.push(node)
    for (const next of graph.get(node) ?? []) visit(next)
    path.pop()
    state.set(node, 'done')
  }
  for (const node of graph.keys()) visit(node)
  return cycles
}
