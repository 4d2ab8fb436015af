import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** The command. */
export const bin = fileURLToPath(new URL('../../bin/cordon.js', import.meta.url))

/** What a command said and did. */
export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where and with what a command runs. */
export interface RunOptions {
  readonly cwd: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `cordon` as a process of its own until it ends. */
export async function runCordon(args: readonly string[], { cwd, input = '', env = {} }: RunOptions): Promise<Run> {
  const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } })
  child.stdin.on('error', () => undefined).end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  return { code, stdout, stderr }
}

/** A command that goes on. */
export interface Running {
  readonly child: ChildProcess
  /** Everything it wrote so far, both streams. */
  output(): string
  /** Resolves with the first line after `from` that matches; rejects when the command ends before. */
  line(pattern: RegExp): Promise<string>
  /** Sends a signal; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a Node program that does not end by itself. Every line is given to one `line` call only. */
export function startProgram(file: string, args: readonly string[], options: RunOptions): Running {
  return watchProgram(
    spawn(process.execPath, [file, ...args], {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

/** Reads what a program writes. */
export function watchProgram(child: ChildProcess): Running {
  const lines: string[] = []
  let read = 0
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      for (const wake of waiting) wake()
    })
  }
  let exitCode: number | null | undefined
  const closed = once(child, 'close').then(([code]: (number | null)[]) => {
    exitCode = code ?? null
    for (const wake of waiting) wake()
    return exitCode
  })
  return {
    child,
    output: () => lines.join('\n'),
    async line(pattern) {
      for (;;) {
        const index = lines.findIndex((line, at) => at >= read && pattern.test(line))
        if (index !== -1) {
          read = index + 1
          return lines[index] ?? ''
        }
        if (exitCode !== undefined) throw new Error(`Cannot find ${pattern}: the program ended with ${exitCode}\n${lines.join('\n')}`)
        await new Promise<void>((resolve) => {
          function wake(): void {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })
      }
    },
    async stop(signal = 'SIGINT') {
      child.kill(signal)
      return closed
    },
  }
}

/** Starts `cordon`. */
export function startCordon(args: readonly string[], options: RunOptions): Running {
  return startProgram(bin, args, options)
}

/** Path of a fixture; tests run from `dist-test`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url))
}
