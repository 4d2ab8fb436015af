import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { stop, transform } from 'esbuild'
import { SourceLimit } from './source-guard.ts'

/** Most resident memory of the bundler's process in bytes; a bundle of five megabytes of source needs about a tenth. */
const maxBundlerBytes = 1_000_000_000
/** Most resident memory of this process in bytes. The heap has a flag of its own; buffers have not. */
const maxOwnBytes = 1_500_000_000
/** Pause between two looks in milliseconds. Memory is written at some gigabytes a second. */
const periodMs = 25
/** Bytes of a page, the unit of `/proc/<pid>/statm`, on every platform that Node runs on with such a file. */
const pageBytes = 4096

const started = new Set<ChildProcess>()

// esbuild does its work in a child process and tells nobody which; Node announces every child it starts.
subscribe('child_process', (message) => {
  if (!hasProcess(message)) return
  const child = message.process
  started.add(child)
  child.once('exit', () => started.delete(child))
})

/** Process ids of the bundler, so that the host can end it when this process cannot. */
export function bundlerProcesses(): number[] {
  return [...started].flatMap((child) => (child.pid === undefined || child.exitCode !== null || child.signalCode !== null ? [] : [child.pid]))
}

/** Starts the bundler's process unless it is there; esbuild does so by itself with the first thing it is asked, and only with that. */
export async function startBundler(): Promise<void> {
  if (isBundlerAlive()) return
  // Forgets a process that died.
  await stop()
  await transform('')
}

/** False when the bundler's process died, of its own or because it was killed. */
export function isBundlerAlive(): boolean {
  return [...started].some((child) => child.exitCode === null && child.signalCode === null)
}

/**
 * Runs a build and kills the bundler when it takes too much memory: no flag bounds it, and its messages repeat the whole line
 * they are about, so that a hundred thousand of them about one long line would be a hundred gigabytes. Linux only; elsewhere
 * only this process is watched.
 *
 * @throws SourceLimit
 */
export async function withinMemory<T>(build: () => Promise<T>): Promise<T> {
  let isKilled = false
  const timer = setInterval(() => {
    for (const child of started) {
      if (child.pid === undefined || residentBytes(child.pid) <= maxBundlerBytes) continue
      isKilled = true
      child.kill('SIGKILL')
      started.delete(child)
    }
    // The host replaces a process that is gone.
    if (process.memoryUsage.rss() > maxOwnBytes) process.kill(process.pid, 'SIGKILL')
  }, periodMs)
  try {
    return await build()
  } catch (error) {
    if (isKilled) throw new SourceLimit('bundling it needs too much memory')
    throw error
  } finally {
    clearInterval(timer)
  }
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1] ?? 0) * pageBytes
  } catch {
    return 0
  }
}

function hasProcess(message: unknown): message is { process: ChildProcess } {
  return typeof message === 'object' && message !== null && 'process' in message
}
