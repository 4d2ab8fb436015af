import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { relative, sep } from 'node:path'
import type { ExitCode } from '../exit-code.ts'
import { onStopSignal } from '../stop-signal.ts'
import { findTests } from '../test/find-tests.ts'
import type { CommandContext } from './command.ts'

/** Options of `cordon test`. */
export interface TestOptions {
  readonly testNamePattern?: string | undefined
  readonly watch?: boolean | undefined
}

/** Editors save in several steps: tests run when nothing has changed for this time, in milliseconds. */
const settleMs = 100

/** `cordon test [files…]`: runs test files with node:test, each in a process of its own. What begins with a dash is an option of Node. */
export async function test(context: CommandContext, operands: readonly string[], options: TestOptions): Promise<ExitCode> {
  const paths = operands.filter((one) => !one.startsWith('-'))
  const flags = operands.filter((one) => one.startsWith('-'))
  if (options.testNamePattern !== undefined) flags.push(`--test-name-pattern=${options.testNamePattern}`)
  if (options.watch === true) return watch(context, paths, flags)
  const child = start(await findTests(paths), flags, { isDetached: false })
  let isStopped = false
  // Ctrl-C reaches the tests by itself, other signals do not; either way this waits for what they say.
  const release = onStopSignal((signal) => {
    isStopped = true
    child.kill(signal)
  })
  const exitCode = await ended(child)
  release()
  return isStopped ? 130 : exitCode
}

function start(files: readonly string[], flags: readonly string[], { isDetached }: { isDetached: boolean }): ChildProcess {
  const register = new URL('../test/register-typescript.js', import.meta.url).href
  // Node 20 writes TAP where there is no terminal.
  const reporter = flags.some((flag) => flag.startsWith('--test-reporter')) ? [] : ['--test-reporter=spec']
  const args = ['--enable-source-maps', `--import=${register}`, '--test', ...reporter, ...flags]
  const named = files.map((file) => relative(process.cwd(), file) || file)
  // A test that runs this command would else have its own runner taken for ours.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return spawn(process.execPath, [...args, ...named], { stdio: 'inherit', detached: isDetached, env })
}

async function ended(child: ChildProcess): Promise<ExitCode> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (signal === 'SIGINT' || code === 130) return 130
  return code === 0 ? 0 : 1
}

/** Runs all of them again after every change, until Ctrl-C: what a test uses cannot be told from its imports, since functions are given by path. */
async function watch({ terminal }: CommandContext, paths: readonly string[], flags: readonly string[]): Promise<ExitCode> {
  const { watch: startWatching } = await import('chokidar')
  const watcher = startWatching('.', { ignoreInitial: true, ignored: (path) => isIgnored(relative('.', path)) })
  let running: Promise<void> = Promise.resolve()
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined

  async function run(): Promise<void> {
    child = start(await findTests(paths), flags, { isDetached: process.platform !== 'win32' })
    await ended(child)
    child = undefined
    terminal.note(terminal.colors.dim('Watching: the tests run again when a file changes, Ctrl-C ends'))
  }
  function again(): void {
    kill(child)
    running = running.then(run).catch((error: unknown) => terminal.note(error instanceof Error ? error.message : String(error)))
  }
  watcher.on('all', () => {
    clearTimeout(timer)
    timer = setTimeout(again, settleMs)
  })
  watcher.on('error', () => undefined)
  const stopped = new Promise<void>((resolve) => onStopSignal(() => resolve()))
  again()
  await stopped
  clearTimeout(timer)
  kill(child)
  await Promise.all([watcher.close(), running])
  return 0
}

/** A run with the processes of its files. */
function kill(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || child.exitCode !== null) return
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM')
  } catch {
    // It ended by itself just now.
  }
}

function isIgnored(path: string): boolean {
  return path.split(sep).some((part) => part === 'node_modules' || (part.startsWith('.') && part !== '.' && part !== '..'))
}
