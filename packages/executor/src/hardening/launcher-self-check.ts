import { once } from 'node:events'
import { withCanary } from './canary.ts'
import type { SpawnCommand } from './hardening.ts'
import { launcherCheckCommand, type LauncherSetup } from './launcher-command.ts'
import { spawnProcess } from './spawn-process.ts'

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
 * Lets the launcher try every forbidden thing against a canary of this host. The kernel's answers count, and the canary
 * has the last word. Never throws.
 */
export async function checkLauncher(setup: LauncherSetup): Promise<SelfCheck> {
  try {
    const { found, seen } = await withCanary((canary) => output(launcherCheckCommand(setup, canary)))
    if (!found.isComplete) return { refused: [], holes: [], failure: found.stderr.trim() || 'it was killed before it was done' }
    const { refused, holes } = readAnswers(found.stdout)
    const early = refused.length < minRefused && holes.length === 0 ? ['the self-check ended early'] : []
    return { refused, holes: [...holes, ...seen, ...early] }
  } catch (error) {
    return { refused: [], holes: [], failure: error instanceof Error ? error.message : String(error) }
  }
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
