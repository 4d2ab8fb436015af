import { readdirSync, readFileSync } from 'node:fs'

/** Start time of a process in ticks since boot, so that a number that was given to another process is recognised; `?` where there is no /proc. */
export function startTimeOf(pid: number): string {
  return statOf(pid)?.startTime ?? '?'
}

/** Whether a process is the one that was started at a time, as far as /proc can tell. */
export function isSame(pid: number, startTime: string): boolean {
  return startTime === '?' || statOf(pid)?.startTime === startTime
}

/** For each of these processes itself and everything it has started, directly or not. */
export function familiesOf(pids: readonly number[]): number[][] {
  const children = childrenOfAll()
  return pids.map((pid) => [pid, ...descendantsOf(pid, children)])
}

function statOf(pid: number): { parent: number; startTime: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), startTime: fields[19] ?? '?' }
  } catch {
    return undefined
  }
}

/** The children of every process there is: read once, which takes the longest of all that a reaper does. */
function childrenOfAll(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (const pid of listProcesses()) {
    const parent = statOf(pid)?.parent
    if (parent === undefined) continue
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  return children
}

function descendantsOf(root: number, children: Map<number, number[]>): number[] {
  const found: number[] = []
  const open = [root]
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push(child)
      open.push(child)
    }
  }
  return found
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0)
  } catch {
    return []
  }
}
