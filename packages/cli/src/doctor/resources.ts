import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import type { Finding } from './finding.ts'

/** A host, its database and ten sandboxes of ordinary functions need about this much, in bytes. */
const enoughMemory = 1_000_000_000
/** A sandbox takes three descriptors of the host, a connection one or two: for a hundred of each, and what Node itself has. */
const enoughFiles = 1024
/** Each sandbox is a process with about ten threads, each of which counts. */
const enoughProcesses = 1024

/** What the system lets this process have: memory, descriptors, processes. */
export async function checkResources(): Promise<readonly Finding[]> {
  const limits = await readLimits()
  return [memory(limits.get('Max address space')), files(limits.get('Max open files')), ...processes(limits.get('Max processes'))]
}

function memory(addressSpace: number | undefined): Finding {
  const check = 'memory'
  if (addressSpace !== undefined && addressSpace !== Infinity) {
    const message = `the address space of processes is limited to ${megabytes(addressSpace)}, which Node does not work with`
    return { check, state: 'error', message, remedy: 'Take the limit away: ulimit -v unlimited' }
  }
  // Since Node 20.12 it is 0 where there is no limit, before that undefined or a number beyond all memory.
  const limit = process.constrainedMemory()
  const isLimited = limit > 0 && limit < totalmem()
  const bytes = isLimited ? limit : totalmem()
  const message = isLimited ? `the container may use ${megabytes(bytes)} of memory` : `the machine has ${megabytes(bytes)} of memory`
  if (bytes >= enoughMemory) return { check, state: 'ok', message }
  return { check, state: 'warn', message, remedy: 'Give it 1 GB or more, or lower scheduling.maxSandboxes and limits.memoryMb' }
}

function files(limit: number | undefined): Finding {
  const check = 'files'
  if (limit === undefined) return { check, state: 'ok', message: 'the system does not say how many files this process may open' }
  const message = `this process may open ${limit} files`
  return limit >= enoughFiles
    ? { check, state: 'ok', message }
    : { check, state: 'warn', message, remedy: 'Raise it, for example ulimit -n 65536, or LimitNOFILE= of systemd' }
}

function processes(limit: number | undefined): readonly Finding[] {
  if (limit === undefined || limit >= enoughProcesses) return []
  const message = `this user may have ${limit} processes and threads`
  return [{ check: 'processes', state: 'warn', message, remedy: 'Raise it, for example ulimit -u 4096, or TasksMax= of systemd' }]
}

/** Name -> soft limit, on Linux; `Infinity` for none. */
async function readLimits(): Promise<ReadonlyMap<string, number>> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const rows = text.split('\n').flatMap((line) => {
    const [, name, soft] = /^(Max [a-z ]+?) {2,}(\S+)/.exec(line) ?? []
    return name === undefined ? [] : [[name, soft === 'unlimited' ? Infinity : Number(soft)] as const]
  })
  return new Map(rows)
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
