/** The helper process of a reaper: reads registrations from its standard input, and kills them when that ends. */
import { readdirSync, readFileSync } from 'node:fs'

interface Watched {
  readonly startTime: string
  readonly signal: 'SIGKILL' | 'SIGQUIT'
}

/** Time between the first signal and SIGKILL in milliseconds. */
const graceMs = 500
const watched = new Map<number, Watched>()
let rest = ''

// Only the end of the pipe ends it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

process.stdin.setEncoding('latin1')
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) read(line)
})
process.stdin.on('error', reap)
process.stdin.on('end', reap)

function read(line: string): void {
  const [what, number, startTime = '?', signal] = line.split(' ')
  if (what === 'close') process.exit(0)
  const pid = Number(number)
  if (what === '+') watched.set(pid, { startTime, signal: signal === 'SIGQUIT' ? 'SIGQUIT' : 'SIGKILL' })
  else if (what === '-') watched.delete(pid)
}

function reap(): void {
  const living = [...watched].filter(([pid, { startTime }]) => startTime === '?' || statOf(pid)?.startTime === startTime)
  if (living.length === 0) return process.exit(0)
  // Taken before anything dies: afterwards orphans belong to somebody else.
  const children = childrenOfAll()
  const families = living.map(([pid]) => [pid, ...descendantsOf(pid, children)])
  let isPatient = false
  for (const [index, [pid, { signal }]] of living.entries()) {
    if (signal === 'SIGKILL') killFamily(pid, families[index] ?? [])
    else {
      isPatient = true
      send(pid, signal)
    }
  }
  setTimeout(
    () => {
      for (const [index, [pid]] of living.entries()) killFamily(pid, families[index] ?? [])
      process.exit(0)
    },
    isPatient ? graceMs : 0,
  )
}

function killFamily(leader: number, family: readonly number[]): void {
  send(-leader, 'SIGKILL')
  for (const pid of family) send(pid, 'SIGKILL')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already, or never a group leader.
  }
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

/** The children of every process there is: read once, which takes the longest of all that is done here. */
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
