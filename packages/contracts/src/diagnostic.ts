/** How a rule counts: an error refuses the deployment, a warning is only reported. */
export type RuleSeverity = 'error' | 'warn' | 'off'

/** One finding of the analyzer. The same object is given by the API, over HTTP and to the CLI, which renders it. */
export interface Diagnostic {
  /** Id of the rule, for example `no-eval`. */
  readonly rule: string
  readonly severity: 'error' | 'warn'
  /** One sentence what is wrong, one what to do. */
  readonly message: string
  /** Path inside the upload, with forward slashes. */
  readonly file: string
  /** 1-based line; 0 when the finding is about the whole upload. */
  readonly line: number
  /** 1-based column; 0 when the finding is about the whole upload. */
  readonly column: number
  /** Some lines of source around the place with a caret; empty when the finding is about the whole upload. */
  readonly frame: string
}
