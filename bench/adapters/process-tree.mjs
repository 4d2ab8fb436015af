import { readdirSync, readFileSync } from 'node:fs'

/** Of a clock tick in /proc, which is 1/100 s wherever Linux runs today. */
const microsPerTick = 10_000

/** CPU time of a process and all that descend from it, in microseconds, by process id; empty where there is no /proc. */
export function cpuOfTree(root) {
  const children = new Map()
  const ticks = new Map()
  for (const { pid, parent, cpu } of processes()) {
    children.set(parent, [...(children.get(parent) ?? []), pid])
    ticks.set(pid, cpu)
  }
  const found = new Map()
  // Grows while it is walked.
  const tree = [root]
  for (const pid of tree) {
    if (ticks.has(pid)) found.set(pid, ticks.get(pid) * microsPerTick)
    tree.push(...(children.get(pid) ?? []))
  }
  return found
}

function processes() {
  const found = []
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = read(`/proc/${name}/stat`)
    // The name of the program, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Numbered from the state, field 3 in proc(5): parent 4, user time 14, system time 15.
    if (fields.length > 12) found.push({ pid: Number(name), parent: Number(fields[1]), cpu: Number(fields[11]) + Number(fields[12]) })
  }
  return found
}

function list(folder) {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file) {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    // It ended meanwhile.
    return ''
  }
}
