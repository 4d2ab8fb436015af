import { chmodSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Exit status of a launcher that refused to go on: `EXIT_REFUSED` in launcher/system.h. */
const launcherRefused = 125

/** The launcher for this machine, or why there is none. */
export type LauncherProgram = { readonly path: string } | { readonly path?: undefined; readonly why: string }

/**
 * Finds the committed launcher for this processor. A package manager may have dropped its executable bit, and the
 * package may lie on a file system that nothing can be started from; then a copy in a private directory of the system's
 * temporary directory is used, which goes away with the host.
 */
export function findLauncherProgram(): LauncherProgram {
  if (process.platform !== 'linux') return { why: `it exists for Linux, not for ${process.platform}` }
  const path = fileURLToPath(new URL(`../../prebuilt/linux-${process.arch}/cordon-launcher`, import.meta.url))
  if (!existsSync(path)) return { why: `there is no program for linux-${process.arch} in this package: build it from launcher/launcher.c` }
  if (isStartable(path)) return { path }
  const copy = copyOf(path)
  if (copy !== undefined && isStartable(copy)) return { path: copy }
  return {
    why: `neither '${path}' nor a copy in '${tmpdir()}' can be started: both may be mounted noexec; set TMPDIR to a directory that is not, and that can be written to`,
  }
}

function copyOf(path: string): string | undefined {
  try {
    const directory = mkdtempSync(join(tmpdir(), 'cordon-launcher-'))
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
    const copy = join(directory, 'cordon-launcher')
    copyFileSync(path, copy, constants.COPYFILE_EXCL)
    chmodSync(copy, 0o700)
    return copy
  } catch {
    return undefined
  }
}

/** Without arguments the launcher refuses at once; what counts is that it ran. Takes under 1 ms of its own time. */
function isStartable(path: string): boolean {
  return spawnSync(path, [], { stdio: 'ignore', env: {} }).status === launcherRefused
}
