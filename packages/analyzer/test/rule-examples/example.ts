/** Examples of one rule: code that it accepts, and code in which it finds something. */
export interface RuleExamples {
  readonly rule: string
  /** How the code becomes an upload: `entry` is the whole entry file, `handler` the body of a handler with `input` and `ctx`, `body` that of a function in another file. */
  readonly as: 'entry' | 'handler' | 'body'
  readonly valid: readonly string[]
  readonly invalid: readonly string[]
}
