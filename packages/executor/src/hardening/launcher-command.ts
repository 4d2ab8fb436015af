import { dirname } from 'node:path'
import type { Canary } from './canary.ts'
import type { SpawnCommand, SpawnSpec } from './hardening.ts'

/** Everything about this machine that a launcher command line needs. */
export interface LauncherSetup {
  /** Path of the launcher. */
  readonly program: string
  /** Path of the Node that it becomes. */
  readonly node: string
  /** Files of the system that this Node needs to start, see `sharedLibraries`. */
  readonly libraries: readonly string[]
  /** User and group to change to, or `undefined` to stay who the host is. */
  readonly user: number | undefined
}

/** Descriptors a sandbox may have open. Node itself uses about 25; the rest is for what user code opens inside, such as socket pairs. */
const maxDescriptors = 128
/** Memory above idle and limit for the runtime, thread stacks and garbage that is not collected yet, on top of what `calibrate` measures. */
const reserveMb = 16
const mib = 1024 * 1024

/** The command that starts Node behind the launcher. `idleBytes` is what an idle sandbox already counts against RLIMIT_DATA. */
export function launcherCommand(setup: LauncherSetup, spec: SpawnSpec, idleBytes: number): SpawnCommand {
  const dataBytes = idleBytes + (spec.memoryMb + reserveMb) * mib
  return {
    file: setup.program,
    arguments: [...launcherOptions(setup, dataBytes, spec.parent), ...cpuOption(spec.cpus), '--', setup.node, ...spec.nodeArguments],
    environment: { ...spec.environment, ...loaderEnvironment(setup.libraries) },
    isAlone: true,
  }
}

/** The command with which the launcher tries the forbidden things itself, see launcher/check.h. Same options, no Node. */
export function launcherCheckCommand(setup: LauncherSetup, canary: Canary): SpawnCommand {
  const options = launcherOptions(setup, checkedDataBytes)
  return { file: setup.program, arguments: [...options, '--check', '--', canary.file, canary.absent, String(canary.port)], environment: {} }
}

/** Memory limit of the self-check: any value does, this one is quick to hit. */
const checkedDataBytes = 64 * mib

function launcherOptions(setup: LauncherSetup, dataBytes: number, parent = process.pid): string[] {
  const user = setup.user === undefined ? [] : [`--uid=${setup.user}`, `--gid=${setup.user}`]
  const limits = [`--data=${Math.ceil(dataBytes)}`, `--files=${maxDescriptors}`]
  return [`--parent=${parent}`, ...limits, ...user, ...setup.libraries.map((path) => `--read=${path}`)]
}

/** The launcher takes a mask in hexadecimal digits. */
function cpuOption(cpus: readonly number[] | undefined): string[] {
  if (cpus === undefined) return []
  let mask = 0n
  for (const cpu of cpus) mask |= 1n << BigInt(cpu)
  return [`--cpus=${mask.toString(16)}`]
}

/** The loader's cache in `/etc` is not readable inside, so it is told where the libraries are. */
function loaderEnvironment(libraries: readonly string[]): Record<string, string> {
  return libraries.length === 0 ? {} : { LD_LIBRARY_PATH: [...new Set(libraries.map((path) => dirname(path)))].join(':') }
}
