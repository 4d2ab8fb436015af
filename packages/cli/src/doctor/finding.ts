/** What was looked at, how it is, and what to do when it is not well. */
export interface Finding {
  /** One word. */
  readonly check: string
  readonly state: 'ok' | 'warn' | 'error'
  /** One sentence without a full stop. */
  readonly message: string
  /** One sentence without a full stop: what to do. */
  readonly remedy?: string
}

/** What the checks look at. */
export interface Place {
  /** Absolute. */
  readonly dataDir: string
  readonly databaseUrl: string | undefined
}

/** Looks at one thing; what it throws is a finding, too. */
export type Check = (place: Place) => Promise<readonly Finding[]>
