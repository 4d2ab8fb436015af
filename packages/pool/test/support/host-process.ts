import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** What the host process of `fixtures/host.mjs` says about its server. */
export interface HostProcess {
  readonly serverPid: number
  readonly socketDirectory: string
  /** SIGKILL; resolves when the host is gone. */
  kill(): Promise<void>
}

/** Starts a host in a process of its own, so that it can be killed. */
export async function startHostProcess(dataDir: string, kind: 'reaper' | 'no-reaper', env: NodeJS.ProcessEnv = {}): Promise<HostProcess> {
  const file = fileURLToPath(new URL('../../test/fixtures/host.mjs', import.meta.url))
  const child = spawn(process.execPath, [file, dataDir, kind], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The host ended with exit code ${code}`))),
  ])
  const { pid, connection } = JSON.parse(String(line)) as { pid: number; connection: { host: string } }
  return {
    serverPid: pid,
    socketDirectory: connection.host,
    kill: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Whether a process runs; one that only waits for its parent does not. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') S')
  return !stat.includes(') Z ')
}

/** Resolves when the process is gone; the time limit is that of the test. */
export async function gone(pid: number): Promise<void> {
  while (await isRunning(pid)) await turn()
}
