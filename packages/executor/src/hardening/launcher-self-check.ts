import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { launcherCheckCommand, type LauncherSetup } from './launcher-command.ts'
import { spawnProcess } from './spawn-process.ts'
import type { SpawnCommand } from './hardening.ts'

/** What the launcher's self-check found: the names of launcher/check.h. */
export interface SelfCheck {
  /** Forbidden things that were tried and refused by the kernel. */
  readonly refused: readonly string[]
  /** Forbidden things that worked, and needed things that did not: empty when the sandbox holds. */
  readonly holes: readonly string[]
  /** Set when the launcher could not even set the sandbox up: its own words. */
  readonly failure?: string
}

/** A check that says less than this did not run to its end (60 forbidden things were tried when this was written). */
const minRefused = 50

/**
 * Lets the launcher try every forbidden thing against canaries of this host: a file that anybody may read, a path
 * that does not exist, a listening port and this process. The kernel's answers count, and the canaries have a last word.
 */
export async function checkLauncher(setup: LauncherSetup): Promise<SelfCheck> {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-check-'))
  const server = createServer()
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.destroy()
  })
  try {
    // The sandbox's user must be able to get there: what refuses it has to be the sandbox, not the mode of a directory.
    chmodSync(directory, 0o755)
    const file = join(directory, 'canary')
    const absent = join(directory, 'absent')
    writeFileSync(file, 'canary', { mode: 0o644 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const before = state(file)
    const { port } = server.address() as AddressInfo
    const { stdout, stderr, isComplete } = await output(launcherCheckCommand(setup, { file, absent, port }))
    if (!isComplete) return { refused: [], holes: [], failure: stderr.trim() || 'it was killed before it was done' }
    const check = readAnswers(stdout)
    const seen = [
      ...(connections > 0 ? ['the canary port was reached'] : []),
      ...(existsSync(absent) ? ['a file was made'] : []),
      ...(state(file) === before ? [] : ['the canary file or the host was changed']),
      ...(check.refused.length < minRefused && check.holes.length === 0 ? ['the self-check ended early'] : []),
    ]
    return { refused: check.refused, holes: [...check.holes, ...seen] }
  } finally {
    server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What an attack of the self-check could have changed. */
function state(file: string): string {
  if (!existsSync(file)) return 'gone'
  const { mode, size, mtimeMs } = lstatSync(file)
  return JSON.stringify([mode, size, mtimeMs, readFileSync(file, 'utf8'), getPriority(process.pid)])
}

/** Reads lines of the form `-name errno` (must have failed) and `+name errno` (must have worked). */
export function readAnswers(text: string): { readonly refused: readonly string[]; readonly holes: readonly string[] } {
  const refused: string[] = []
  const holes: string[] = []
  for (const [, sign, name = '', errno] of text.matchAll(/^([+-])(\S+) (\d+)$/gm)) {
    if (sign === '-') (errno === '0' ? holes : refused).push(name)
    else if (errno !== '0') holes.push(`${name} (needed, errno ${errno})`)
  }
  return { refused, holes }
}

async function output(command: SpawnCommand): Promise<{ stdout: string; stderr: string; isComplete: boolean }> {
  const sandbox = spawnProcess(command)
  let stdout = ''
  let stderr = ''
  sandbox.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  sandbox.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  sandbox.channel.resume()
  try {
    const [status] = await once(sandbox.child, 'close')
    return { stdout, stderr, isComplete: status === 0 }
  } catch (error) {
    return { stdout, stderr: error instanceof Error ? error.message : String(error), isComplete: false }
  }
}
