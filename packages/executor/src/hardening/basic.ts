import { accessSync, constants } from 'node:fs'
import type { SandboxReport } from '@cordon/contracts'
import { checkBasic, type BasicAnswers, type BasicProbe } from './basic-self-check.ts'
import type { Hardening, SpawnCommand, SpawnSpec } from './hardening.ts'
import { spawnProcess } from './spawn-process.ts'

/**
 * User and group of sandboxes when the host is root. Outside the ranges that Debian, systemd and container runtimes hand
 * out, below 65536 so that it exists in a user namespace, and not 65534, under which the embedded database runs.
 */
const sandboxUid = 65_529
const shell = '/bin/sh'
/** Limits through the shell: no core dump, no file growth, few descriptors. `exec` keeps the process id. */
const limitScript = 'ulimit -c 0; ulimit -f 0; ulimit -n 64; exec'
/** A program of util-linux that lets the kernel kill the process when its parent dies, so that nothing has to live on for that. */
const setParentDeath = 'setpriv --pdeathsig KILL'

let created: Promise<{ readonly hardening: Hardening; readonly isChecked: boolean }> | undefined

/** The permission model of Node, rlimits and a watchdog: what works everywhere, and what it does not hold. Tried once per host process. */
export async function createBasicHardening(): Promise<Hardening> {
  const { hardening, isChecked } = await (created ??= create())
  // The reason may have been a shortage that is over: whoever asks again is told what is so then.
  if (!isChecked) created = undefined
  return hardening
}

async function create(): Promise<{ hardening: Hardening; isChecked: boolean }> {
  const hasShell = process.platform !== 'win32' && isExecutable(shell)
  const isRoot = process.getuid?.() === 0
  const canDrop = isRoot && (await endsWell({ file: process.execPath, arguments: ['--version'], environment: {}, uid: sandboxUid, gid: sandboxUid }))
  const diesWithParent = hasShell && (await endsWell({ file: shell, arguments: ['-c', `${setParentDeath} true`], environment: {} }))
  const script = `${limitScript} ${diesWithParent ? setParentDeath : ''} "$@"`
  function command({ nodeArguments, environment }: SpawnSpec): SpawnCommand {
    const identity = canDrop ? { uid: sandboxUid, gid: sandboxUid } : {}
    if (!hasShell) return { file: process.execPath, arguments: nodeArguments, environment, ...identity }
    return { file: shell, arguments: ['-c', script, 'sandbox', process.execPath, ...nodeArguments], environment, ...identity }
  }
  const answers = await checkBasic({ command })
  const report = createReport(answers, { hasShell, isRoot, canDrop, diesWithParent })
  return { hardening: { level: 'basic', report: () => report, command }, isChecked: answers !== undefined }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Whether a command can be started and succeeds. Node as another user does not where it lies below a directory only root can enter. */
async function endsWell(command: SpawnCommand): Promise<boolean> {
  const { child, stdout, stderr, channel } = spawnProcess(command)
  stdout.resume()
  stderr.resume()
  channel.on('error', () => undefined)
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('close', (code) => resolve(code === 0))
  })
}

/** Why something that the self-check got through is not held at this level. */
const reasons: Readonly<Record<BasicProbe, string>> = {
  files: 'the permission model of this Node did not refuse them; only the launcher level denies them in the kernel',
  'child processes': 'the permission model of this Node did not refuse them; only the launcher level denies them in the kernel',
  threads: 'the permission model of this Node did not refuse them',
  'add-ons': 'this Node loads shared libraries although it was told not to',
  'signals to the host': 'sandboxes run as the user of the host; only the launcher level denies signals in the kernel',
  network: 'code that reaches a socket class inside Node can connect; only the launcher level denies it in the kernel',
}

/** What this machine has for the basic level. */
interface Means {
  readonly hasShell: boolean
  readonly isRoot: boolean
  readonly canDrop: boolean
  readonly diesWithParent: boolean
}

function createReport(answers: BasicAnswers | undefined, { hasShell, isRoot, canDrop, diesWithParent }: Means): SandboxReport {
  const enforced = ['environment', 'working directory', 'memory (heap flag)']
  const missing: { what: string; why: string }[] = [{ what: 'system calls', why: 'only the launcher level filters them' }]
  for (const [what, why] of Object.entries(reasons) as [BasicProbe, string][]) {
    if (answers === undefined) missing.push({ what, why: 'the self-check could not be run, so nothing is known about it' })
    else if (answers[what] === 'refused') enforced.push(what)
    else missing.push({ what, why })
  }
  if (process.platform === 'linux') enforced.push('memory (watchdog, checked every 25 ms)', 'CPU after the result (watchdog)')
  else missing.push({ what: 'memory outside the heap', why: 'there is no /proc to watch it with' })
  if (hasShell) enforced.push('core dumps, file size and descriptors (ulimit)')
  else missing.push({ what: 'core dumps, file size and descriptors', why: 'there is no shell to set them with' })
  if (diesWithParent) enforced.push('death with the process that starts it (setpriv)')
  else missing.push({ what: 'death with the process that starts it', why: 'there is no setpriv (util-linux) to ask the kernel for it with' })
  if (canDrop) enforced.push('user (uid drop)')
  else if (isRoot)
    missing.push({
      what: 'user',
      why: `sandboxes run as root: ${process.execPath} cannot be started by another user; install Node where every user can reach it`,
    })
  else missing.push({ what: 'user', why: 'only root can start sandboxes as another user' })
  return { level: 'basic', enforced, missing }
}
