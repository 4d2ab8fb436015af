/** What was found out about sockets that another program passed on. */
export interface InheritedSocket {
  /** Descriptor of the socket; `undefined` when there is none for this process. */
  readonly fd: number | undefined
  /** Why a socket that is there is not used. */
  readonly warning?: string
}

/** The first descriptor that is passed on (SD_LISTEN_FDS_START of sd_listen_fds(3)). */
const firstDescriptor = 3
const variables = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'] as const

/**
 * Takes the listening socket that systemd, or whatever works like it, passed on to this process, as sd_listen_fds(3) describes it. The variables are removed from
 * `environment`: they are not for the processes that this one starts.
 */
export function takeInheritedSocket(environment: Record<string, string | undefined>, pid: number): InheritedSocket {
  const { LISTEN_FDS: count, LISTEN_PID: owner } = environment
  for (const name of variables) delete environment[name]
  if (count === undefined || count === '' || count === '0') return { fd: undefined }
  if (owner !== String(pid)) {
    const warning = `The socket of LISTEN_FDS is for process ${owner ?? 'unknown'} and this one is ${pid}: start Node itself, not npx, npm or a shell (ExecStart=/usr/bin/node …/cordon.js serve)`
    return { fd: undefined, warning }
  }
  if (count === '1') return { fd: firstDescriptor }
  return { fd: firstDescriptor, warning: `${count} sockets were passed on: only the first is used` }
}
