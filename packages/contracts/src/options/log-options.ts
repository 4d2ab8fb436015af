import { choice, flag, type OptionTable } from './check.ts'

/** What the platform writes about itself, and how; not what functions log. */
export interface LogOptions {
  /** Least level of what is written where there is no `logger`. @default 'info' */
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** How it is written on stderr: a JSON object or a text on each line. `auto` is text on a terminal, else JSON. @default 'auto' */
  readonly format: 'auto' | 'json' | 'text'
  /** Whether every request of the HTTP API is logged, at level `info`. @default false */
  readonly requests: boolean
}

/** Defaults and checks of the options of `log`. Described in docs/reference/platform-options.md. */
export const logTable: OptionTable<LogOptions> = {
  level: choice(['debug', 'info', 'warn', 'error', 'silent'], () => 'info'),
  format: choice(['auto', 'json', 'text'], () => 'auto'),
  requests: flag(false),
}
