/** Examples of one rule: code that it accepts, and code in which it finds something. */
export interface RuleExamples {
  readonly rule: string
  /** How the code becomes an upload: `entry` is the whole entry file, `body` stands inside a handler with `input` and `ctx`. */
  readonly as: 'entry' | 'body'
  readonly valid: readonly string[]
  readonly invalid: readonly string[]
}
