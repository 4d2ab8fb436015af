import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { invalidOption, type SandboxReport } from '@cordon/contracts'
import type { Hardening } from './hardening.ts'

/** Where Linux lists the cores: those of the container (cgroup 2), else those of the machine. Lists look like `0-3,8`. */
const coreLists = ['/sys/fs/cgroup/cpuset.cpus.effective', '/sys/devices/system/cpu/online']

/**
 * The same hardening, with every sandbox kept on the given cores. Below the launcher level nothing can keep it there: the report says so.
 *
 * @throws PlatformError INVALID_OPTION for a core that this machine does not have
 */
export function holdToCores(hardening: Hardening, cpus: readonly number[] | undefined): Hardening {
  if (cpus === undefined) return hardening
  const cores = usableCores()
  const absent = cpus.find((cpu) => !cores.has(cpu))
  if (absent !== undefined) throw invalidOption('cpus', `cores that exist here (${[...cores].join(', ')})`, absent)
  const report = withCores(hardening.report(), cpus)
  return {
    level: hardening.level,
    report: () => report,
    command: (spec) => hardening.command({ ...spec, cpus }),
  }
}

function withCores(report: SandboxReport, cpus: readonly number[]): SandboxReport {
  if (report.level === 'launcher') return { ...report, enforced: [...report.enforced, `cores ${cpus.join(', ')}`] }
  const why = `only the launcher level can keep sandboxes on the cores ${cpus.join(', ')}; they use all that the host may use`
  return { ...report, missing: [...report.missing, { what: 'cores', why }] }
}

/** Not those that the host itself is held to: a host that keeps a core for itself gives its sandboxes the others. */
function usableCores(): ReadonlySet<number> {
  for (const path of coreLists) {
    const cores = readCoreList(path)
    if (cores.size > 0) return cores
  }
  return new Set(Array.from({ length: availableParallelism() }, (_, core) => core))
}

function readCoreList(path: string): ReadonlySet<number> {
  const cores = new Set<number>()
  let text = ''
  try {
    text = readFileSync(path, 'latin1')
  } catch {
    // Another system, or another layout of the control groups.
  }
  for (const [, first, last = first] of text.matchAll(/(\d+)(?:-(\d+))?/g)) {
    for (let core = Number(first); core <= Number(last); core++) cores.add(core)
  }
  return cores
}
