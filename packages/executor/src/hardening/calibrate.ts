import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { launcherCommand, type LauncherSetup } from './launcher-command.ts'
import { confiningNodeFlags, heapFlags, sandboxEnvironment } from './node-flags.ts'
import { spawnProcess } from './spawn-process.ts'

/** What an idle Node behind the launcher counts against RLIMIT_DATA, or why it did not start. */
export type Calibration = { readonly idleBytes: number } | { readonly idleBytes?: undefined; readonly why: string }

/** Says on descriptor 3 that Node has started, then waits there; the host needs nothing more of it. */
const idleScript = `const s=new(require('net').Socket)({fd:3});s.write('.');s.resume()`

/** Heap limit of the calibration in MiB. Idle VmData does not depend on it (64 to 1024 measured, Node 20 and 24). */
const anyHeapMb = 64
/** More than any Node reserves while it starts: 575 MiB were seen on Node 24 and 26. */
const generousBytes = 2 ** 40
/** A Node that has not started by then never will; a start takes 25 to 50 ms, on a machine under heavy load seconds. */
const startMs = 20_000
const kib = 1024

/**
 * Starts Node behind the launcher with the flags of a real sandbox and reads its `VmData` from outside: 48 MB on Node 20
 * and 22, about 575 MB on 24 and 26, where V8 reserves more address space.
 */
export async function calibrate(setup: LauncherSetup): Promise<Calibration> {
  const nodeArguments = [...confiningNodeFlags(), ...heapFlags(anyHeapMb), '-e', idleScript]
  const sandbox = spawnProcess(launcherCommand(setup, { nodeArguments, environment: sandboxEnvironment, memoryMb: anyHeapMb }, generousBytes))
  let stderr = ''
  sandbox.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  sandbox.stdout.resume()
  const closed = once(sandbox.child, 'close').catch((error: unknown) => (stderr += String(error)))
  const deadline = setTimeout(() => sandbox.kill(), startMs)
  try {
    const isStarted = await Promise.race([once(sandbox.channel, 'data').then(() => true), closed.then(() => false)])
    if (!isStarted) return { why: stderr.trim().split('\n')[0] || 'Node ended while it was starting' }
    const status = readFileSync(`/proc/${sandbox.pid}/status`, 'latin1')
    const kibibytes = /^VmData:\s+(\d+) kB$/m.exec(status)?.[1]
    return kibibytes === undefined ? { why: '/proc does not say how much memory a process has' } : { idleBytes: Number(kibibytes) * kib }
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(deadline)
    sandbox.kill()
    await closed
  }
}
