import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { bin } from './run-cordon.ts'

/** `script` of util-linux runs a command in a terminal of its own. */
export const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0

/** A command at a terminal. */
export interface AtTerminal {
  /** Resolves when the terminal has shown these words, after those that were seen before; rejects when the command ends first. */
  sees(words: string): Promise<void>
  /** Types on the keyboard. */
  type(keys: string): void
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
  /** Everything that the terminal has shown. */
  shown(): string
}

/** Starts `cordon` at a terminal. */
export function startAtTerminal(args: readonly string[], options: { cwd: string; env?: Readonly<Record<string, string>> }): AtTerminal {
  const command = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', TERM: 'dumb', LC_ALL: 'C.UTF-8', ...options.env },
  })
  let shown = ''
  let read = 0
  let wake = (): void => undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      wake()
    })
  }
  const exited = once(child, 'close').then(([code]: (number | null)[]) => {
    wake()
    return code ?? null
  })
  return {
    async sees(words) {
      for (;;) {
        const found = shown.indexOf(words, read)
        if (found !== -1) {
          read = found + words.length
          return
        }
        if (child.exitCode !== null) throw new Error(`Cannot see "${words}": it ended with\n${shown}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    type: (keys) => void child.stdin.write(keys),
    exited,
    shown: () => shown,
  }
}
