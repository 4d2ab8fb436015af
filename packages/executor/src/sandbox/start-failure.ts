/** What to do about the ways in which the system refuses a process, see fork(2), execve(2) and socketpair(2). */
const remedies: Readonly<Record<string, string>> = {
  EAGAIN:
    'the system allows no more processes or threads; raise the limit (ulimit -u, TasksMax of systemd, pids.max of the container) or lower maxSandboxes',
  EMFILE:
    'the host may open no more files; raise its limit (ulimit -n): a sandbox takes three of the host and, for a moment, five of the process that starts it',
  ENFILE: 'the machine may open no more files; raise fs.file-max',
  ENOMEM: 'the machine has no memory for another process; lower maxSandboxes or memoryMb, or add memory',
  ENOENT: 'its program is not there; if Node or Cordon was updated or moved, restart the host',
  EACCES: 'its program may not be executed; look at the permissions of the file and its folders, and at noexec mounts',
  E2BIG: 'the system takes no arguments that long; raise the limit of the stack (ulimit -s), which also bounds arguments',
}
/** What Node prints when it gets no thread, and the launcher when the user may have no more processes. */
const noThread = /Resource temporarily unavailable|uv_thread_create|pthread_create|EAGAIN/

/** Why a process could not be started, and what to do about it. */
export function describeSpawnError(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const remedy = remedies[code]
  return remedy === undefined ? error.message : `${remedy} (${code})`
}

/** The same for a process that ended before it was ready, from what it printed. */
export function describeEarlyExit(how: string, printed: string): string {
  if (noThread.test(printed)) return `${remedies['EAGAIN']} (${how})`
  const line = printed.split('\n').find((one) => one.trim() !== '')
  return `its process ended by itself (${how})${line === undefined ? '' : `: ${line.trim().slice(0, 300)}`}`
}
