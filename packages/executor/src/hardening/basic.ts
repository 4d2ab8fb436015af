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
const limitScript = 'ulimit -c 0; ulimit -f 0; ulimit -n 64; exec "$@"'

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
  const canDrop = isRoot && (await canStartAs(sandboxUid))
  function command({ nodeArguments, environment }: SpawnSpec): SpawnCommand {
    const identity = canDrop ? { uid: sandboxUid, gid: sandboxUid } : {}
    if (!hasShell) return { file: process.execPath, arguments: nodeArguments, environment, ...identity }
    return { file: shell, arguments: ['-c', limitScript, 'sandbox', process.execPath, ...nodeArguments], environment, ...identity }
  }
  const answers = await checkBasic({ command })
  const report = createReport(answers, hasShell, isRoot, canDrop)
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

/** Whether Node can be started as another user: not when it lies below a directory only root can enter. */
async function canStartAs(uid: number): Promise<boolean> {
  const { child, stdout, stderr, channel } = spawnProcess({ file: process.execPath, arguments: ['--version'], environment: {}, uid, gid: uid })
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

function createReport(answers: BasicAnswers | undefined, hasShell: boolean, isRoot: boolean, canDrop: boolean): SandboxReport {
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
  if (canDrop) enforced.push('user (uid drop)')
  else if (isRoot)
    missing.push({
      what: 'user',
      why: `sandboxes run as root: ${process.execPath} cannot be started by another user; install Node where every user can reach it`,
    })
  else missing.push({ what: 'user', why: 'only root can start sandboxes as another user' })
  return { level: 'basic', enforced, missing }
}
