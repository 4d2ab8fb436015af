/** Kills processes that outlive a host that was killed: a helper process that watches the other end of a pipe. */
export interface Reaper {
  /**
   * From now on `pid` and its process group die when the host dies. `signal` is sent first; what lives on 500 ms later gets SIGKILL.
   *
   * @default signal 'SIGKILL'
   */
  watch(pid: number, signal?: 'SIGKILL' | 'SIGQUIT'): void
  /** The process is gone or no longer ours. */
  unwatch(pid: number): void
  close(): Promise<void>
}
