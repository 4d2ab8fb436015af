/**
 * Builds the launcher: `node packages/executor/launcher/build.mjs [directory]` writes `linux-x64/cordon-launcher` and
 * `linux-arm64/cordon-launcher`, each with `compiler.txt` beside it, below `packages/executor/prebuilt` or the given directory.
 *
 * The same compiler and linker give the same bytes: there is no libc, no build id, no date and no path in the
 * result. Debian and Ubuntu have the compilers in the packages `gcc` and `gcc-aarch64-linux-gnu`.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('launcher.c', import.meta.url))

/** What each target is compiled with. `-fcf-protection` exists on x86 only; it would add a note that nothing reads. */
export const targets = {
  x64: { prefix: 'x86_64-linux-gnu-', flags: ['-fcf-protection=none'] },
  arm64: { prefix: 'aarch64-linux-gnu-', flags: ['-mno-outline-atomics'] },
}

// max-page-size: both targets run on 4 KiB pages or, on arm64, up to 64 KiB; segments are aligned for the largest.
const flags = (target) => [
  '-std=gnu11',
  '-Os',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-asynchronous-unwind-tables',
  '-fno-ident',
  '-fno-pie',
  '-no-pie',
  '-static',
  '-nostdlib',
  '-s',
  '-Wl,--build-id=none',
  '-Wl,-z,noexecstack',
  '-Wl,-z,norelro',
  `-Wl,-z,max-page-size=${target === 'arm64' ? 65536 : 4096}`,
  ...targets[target].flags,
]

/** First lines of the version texts of compiler and linker, or `undefined` when they are not installed. */
export function compilerVersion(target) {
  const { prefix } = targets[target]
  try {
    return ['gcc', 'ld'].map((tool) => execFileSync(prefix + tool, ['--version'], { encoding: 'utf8' }).split('\n')[0]).join('\n') + '\n'
  } catch {
    return undefined
  }
}

/** Compiles for one target into `directory`/linux-<target>; gives the path of the program. */
export function buildLauncher(target, directory) {
  const version = compilerVersion(target)
  if (version === undefined) throw new Error(`Cannot build the launcher for ${target}: ${targets[target].prefix}gcc is not installed`)
  const folder = join(directory, `linux-${target}`)
  const program = join(folder, 'cordon-launcher')
  mkdirSync(folder, { recursive: true })
  execFileSync(`${targets[target].prefix}gcc`, [...flags(target), '-o', program, source], { stdio: ['ignore', 'inherit', 'inherit'] })
  chmodSync(program, 0o755)
  writeFileSync(join(folder, 'compiler.txt'), version)
  return program
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const directory = argv[2] ?? fileURLToPath(new URL('../prebuilt', import.meta.url))
  try {
    for (const target of Object.keys(targets)) console.log(buildLauncher(target, directory))
  } catch (error) {
    console.error(error.message)
    exit(1)
  }
}
