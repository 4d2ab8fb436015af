import type { OpenedDatabase } from '@cordon/core/database'
import { PlatformError } from '@cordon/contracts'
import { describeFailure, type ExitCode } from '../exit-code.ts'
import { escapeText } from '../output/escape.ts'
import type { Terminal } from '../output/terminal.ts'
import { metaStatement, metaHelp } from './meta-commands.ts'
import { renderResult, resultJson } from './render-result.ts'
import { createStatementReader } from './statements.ts'

/** What a shell runs with. */
export interface ShellOptions {
  readonly opened: OpenedDatabase
  readonly database: string
  readonly terminal: Terminal
  readonly isJson: boolean
}

/** What became of a line: its exit code, or that the shell was told to end. */
export type LineOutcome = ExitCode | 'quit'

/** Runs lines of SQL and of commands that begin with a backslash, and prints what they give. */
export interface Shell {
  /** The database that it talks to now. */
  readonly database: string
  /** Whether a statement has begun and not ended. */
  readonly isOpen: boolean
  /** Takes a line; stops at the first statement of it that fails. Never rejects. */
  line(text: string): Promise<LineOutcome>
  /** Runs what has no semicolon. */
  flush(): Promise<LineOutcome>
  /** Forgets what has no semicolon. */
  clear(): void
  /** Stops the statement that runs. */
  cancel(): Promise<void>
  close(): Promise<void>
}

/** @throws PlatformError STORE_UNAVAILABLE */
export async function createShell({ opened, terminal, isJson, database: first }: ShellOptions): Promise<Shell> {
  const reader = createStatementReader()
  let database = first
  let session = await connect(database)

  function connect(name: string): ReturnType<OpenedDatabase['session']> {
    return opened.session(name, { isText: !isJson, onNotice: (message) => terminal.note(escapeText(message)) })
  }
  async function guarded(work: () => Promise<void>): Promise<ExitCode> {
    try {
      await work()
      return 0
    } catch (error) {
      const { message, exitCode } = describeFailure(error)
      if (isJson && error instanceof PlatformError) terminal.print(JSON.stringify({ code: error.code, detail: message, ...error.details }))
      else terminal.note(terminal.colors.red(escapeText(message)))
      return exitCode
    }
  }
  async function run(statement: string): Promise<void> {
    const result = await session.run(statement)
    terminal.print(isJson ? resultJson(result) : renderResult(result))
  }
  async function meta(command: string): Promise<LineOutcome> {
    const [name = '', argument] = command.split(/\s+/)
    if (name === '\\q') return 'quit'
    return guarded(async () => {
      if (name === '\\?') terminal.print(metaHelp)
      else if (name === '\\c' && argument !== undefined) {
        const next = await connect(argument)
        await session.close()
        session = next
        database = argument
      } else await run(metaStatement(name, argument))
    })
  }
  return {
    get database() {
      return database
    },
    get isOpen() {
      return !reader.isEmpty
    },
    async line(text) {
      if (reader.isEmpty && text.trimStart().startsWith('\\')) return meta(text.trim().replace(/;$/, ''))
      for (const statement of reader.push(text)) {
        const exitCode = await guarded(() => run(statement))
        if (exitCode !== 0) return exitCode
      }
      return 0
    },
    async flush() {
      const statement = reader.rest()
      reader.clear()
      return statement === '' ? 0 : guarded(() => run(statement))
    },
    clear: () => reader.clear(),
    cancel: () => session.cancel(),
    close: () => session.close(),
  }
}
