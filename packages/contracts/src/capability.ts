/** A right that a version needs: its function database, a network host, a secret, another function, a package inside its bundle. */
export interface Capability {
  readonly kind: 'database' | 'net' | 'secret' | 'function' | 'package'
  /** The host, secret, function or package; `ctx.db` for the database. */
  readonly name: string
  /**
   * Of a secret that the host puts into a header of the requests to this host (`config.secretHeaders`). Without it the function itself gets the
   * secret.
   */
  readonly sentTo?: string
}

/** Where a capability was seen first: in the code, or in its `config`. */
export interface CapabilityUse extends Capability {
  /** Path inside the upload. */
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based. */
  readonly column: number
  /** Some lines of source around the place with a caret. */
  readonly frame: string
}

/** How the capabilities of a version differ from those of the version that was live before it. Both lists are sorted. */
export interface CapabilityChange {
  readonly added: readonly Capability[]
  readonly removed: readonly Capability[]
}
