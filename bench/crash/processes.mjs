import { readdirSync, readFileSync } from 'node:fs'

/** Every process that lives, by id: parent, start time in ticks since boot (proc(5), fields 4 and 22 of stat) and command line. Zombies do not live. */
function readProcesses() {
  const found = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const one = readProcess(Number(name))
    if (one !== undefined) found.set(one.pid, one)
  }
  return found
}

function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return { pid, parent: Number(fields[1]), startTime: fields[19], command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') }
  } catch {
    return undefined
  }
}

/** Whether this very process still lives. */
export function isAlive({ pid, startTime }) {
  return readProcess(pid)?.startTime === startTime
}

/** A process and all below it. */
export function familyOf(pid) {
  const all = readProcesses()
  const family = [all.get(pid)].filter((one) => one !== undefined)
  for (const { pid: parent } of family) for (const one of all.values()) if (one.parent === parent) family.push(one)
  return family
}

/** What the processes of a host are, as they are named in reports. */
const roles = [
  ['postmaster', /^\S*\/postgres /],
  ['tenant backend', /^postgres: t_/],
  ['store backend', /^postgres: cordon /],
  ['other process of the database', /^postgres: /],
  ['reaper', /reaper-process/],
  ['bundler', /esbuild\S* --service/],
  ['analyzer', /tinypool/],
  ['sandbox', / --(experimental-)?permission /],
]

/** Lists of processes below a host by role. */
export function victimsBelow(host) {
  const found = new Map()
  for (const one of familyOf(host).filter(({ pid }) => pid !== host)) {
    const role = roles.find(([, pattern]) => pattern.test(one.command))?.[0]
    if (role !== undefined) found.set(role, [...(found.get(role) ?? []), one])
  }
  return found
}
