import type { SandboxReport } from '@cordon/contracts'
import { calibrate } from './calibrate.ts'
import type { Hardening, HardeningProbe, SpawnCommand, SpawnSpec } from './hardening.ts'
import { launcherCommand, type LauncherSetup } from './launcher-command.ts'
import { findLauncherProgram } from './launcher-program.ts'
import { checkLauncher, type SelfCheck } from './launcher-self-check.ts'
import { sharedLibraries } from './shared-libraries.ts'

/**
 * User and group of sandboxes when the host is root: a number from the range 60578 to 61183 that systemd's
 * documentation of uids lists as used by nobody, and not 65534, which the embedded PostgreSQL runs as.
 */
const sandboxUser = 60_600

/** A refused attempt ends with what to do about it. */
type Attempt =
  | { readonly kind: 'holds'; readonly setup: LauncherSetup; readonly idleBytes: number; readonly check: SelfCheck }
  | { readonly kind: 'fails'; readonly why: string }

let probed: Promise<HardeningProbe> | undefined

/**
 * Finds out, once per host process, whether the launcher holds on this machine: it tries the forbidden things from
 * inside a sandbox (see launcher/check.h), starts a Node behind it, and measures that Node's idle memory. Takes about
 * as long as two starts of Node.
 */
export async function probeLauncher(): Promise<HardeningProbe> {
  const found = await (probed ??= probe(process.execPath))
  // The reason may have been a shortage that is over: whoever asks again is told what is so then.
  if (found.kind === 'unavailable') probed = undefined
  return found
}

async function probe(node: string): Promise<HardeningProbe> {
  const program = findLauncherProgram()
  if (program.path === undefined) return unavailable(program.why)
  let libraries: readonly string[]
  try {
    libraries = await sharedLibraries(node)
  } catch (error) {
    return unavailable(`the shared libraries of '${node}' cannot be listed: ${error instanceof Error ? error.message : String(error)}`)
  }
  const isRoot = process.getuid?.() === 0
  const setup: LauncherSetup = { program: program.path, node, libraries, user: isRoot ? sandboxUser : undefined }
  const first = await attempt(setup)
  if (first.kind === 'holds') return available(first, isRoot ? undefined : 'only root can change the user; sandboxes run as the user of the host')
  if (!isRoot) return unavailable(first.why)
  // A root that may not change its user (some containers), or a Node whose libraries other users cannot reach.
  const second = await attempt({ ...setup, user: undefined })
  return second.kind === 'holds' ? available(second, `sandboxes run as root, because a change of user failed: ${first.why}`) : unavailable(second.why)
}

async function attempt(setup: LauncherSetup): Promise<Attempt> {
  const [check, calibration] = await Promise.all([checkLauncher(setup), calibrate(setup)])
  if (check.failure !== undefined) return { kind: 'fails', why: check.failure }
  if (check.holes.length > 0) return { kind: 'fails', why: `the self-check got through: ${check.holes.join(', ')}` }
  if (calibration.idleBytes === undefined) return { kind: 'fails', why: `Node does not start behind it: ${calibration.why}` }
  return { kind: 'holds', setup, idleBytes: calibration.idleBytes, check }
}

function available(found: Extract<Attempt, { kind: 'holds' }>, noUserOfItsOwn: string | undefined): HardeningProbe {
  return { kind: 'available', hardening: new LauncherHardening(found.setup, found.idleBytes, report(found.check, noUserOfItsOwn)) }
}

function unavailable(why: string): HardeningProbe {
  return {
    kind: 'unavailable',
    missing: [{ what: 'launcher', why: `${why} (it needs Linux 5.13 or later with Landlock and seccomp, on x64 or arm64)` }],
  }
}

/** The report in the words of the self-check: every entry was tried on this machine, none is inferred from a version. */
function report(check: SelfCheck, noUserOfItsOwn: string | undefined): SandboxReport {
  const enforced = [...check.refused, 'dies-with-host', 'memory-limit', ...(noUserOfItsOwn === undefined ? ['user-of-its-own'] : [])]
  const missing = [
    // Told here because nobody would look for it: the error of a refused open() differs from that of an absent file.
    {
      what: 'hide-which-paths-exist',
      why: "Linux answers differently for paths that exist, and stat() tells their size, owner and times; only Node's permission model stands before that",
    },
    ...(noUserOfItsOwn === undefined ? [] : [{ what: 'user-of-its-own', why: noUserOfItsOwn }]),
  ]
  return Object.freeze({ level: 'launcher', enforced: Object.freeze(enforced), missing: Object.freeze(missing) })
}

class LauncherHardening implements Hardening {
  readonly level = 'launcher'
  readonly #setup: LauncherSetup
  readonly #idleBytes: number
  readonly #report: SandboxReport

  constructor(setup: LauncherSetup, idleBytes: number, found: SandboxReport) {
    this.#setup = setup
    this.#idleBytes = idleBytes
    this.#report = found
  }

  report(): SandboxReport {
    return this.#report
  }

  command(spec: SpawnSpec): SpawnCommand {
    return launcherCommand(this.#setup, spec, this.#idleBytes)
  }
}
