import type { Analyzer, Executor } from '@cordon/contracts'
import type { TemporaryServer } from '@cordon/pool'
import type { RequestSenders } from '../egress/egress.ts'

/** What a platform for tests has in another form than one that serves. No option leads here: it takes code of the host. */
export interface HostParts {
  /** The host is thrown away with the process, its directory too; neither its sandboxes nor its database keep the process alive. */
  readonly temporary?: TemporaryServer | undefined
  /** Stands in front of the executor. */
  readonly wrapExecutor?: ((executor: Executor) => Executor) | undefined
  /** Stands in front of the analyzer. */
  readonly wrapAnalyzer?: ((analyzer: Analyzer) => Analyzer) | undefined
  /** Takes the requests of functions instead of the network. */
  readonly egress?: RequestSenders | undefined
}
