/** A server whose data is thrown away with the host, as tests want it: it flushes nothing to the disk. */
export interface TemporaryServer {
  /** Short path of an existing directory that PostgreSQL's user can enter; the socket lies in it. */
  readonly directory: string
  /** Directory of a cluster that was shut down: the new one begins as a copy of it. @default none: an empty one, which takes `initdb` */
  readonly template?: string | undefined
}

/** Settings that make nothing durable (PostgreSQL documentation, "Non-Durable Settings"), and no work in the background. */
export const temporarySettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
}
