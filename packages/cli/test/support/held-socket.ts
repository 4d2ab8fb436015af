import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { bin, watchProgram } from './run-cordon.ts'

/** Plays systemd: a process that holds a listening socket and passes it on to every `cordon serve` that it starts. */
export interface HeldSocket {
  readonly url: string
  /** Starts one; resolves when it is ready. */
  start(): Promise<void>
  /** Process id of the newest. */
  pid(): number
  line(pattern: RegExp): Promise<string>
  /** Resolves with the exit code of the next one that ends, as a shell tells it. */
  ended(): Promise<number>
  output(): string
  /** Resolves when it and all that it started are gone. */
  release(): Promise<void>
}

/** One `cordon serve` for each line; the shell that becomes it knows its own process id. */
const program = `
while read -r line; do
  ( sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"' "$0" "$@"; echo "ended $?" ) &
done
wait`

/** Begins to hold a socket on a free loopback port, for servers with these variables. */
export async function holdSocket(cwd: string, env: Readonly<Record<string, string>> = {}): Promise<HeldSocket> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const child = spawn('sh', ['-c', program, process.execPath, bin, 'serve'], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe', descriptorOf(server)],
  })
  // From here on nobody takes what comes, until somebody is started.
  server.close()
  const running = watchProgram(child)
  let newest = 0
  return {
    url,
    async start() {
      child.stdin?.write('start\n')
      newest = Number(/process (\d+)/.exec(await running.line(/^ready/))?.[1])
    },
    pid: () => newest,
    line: (pattern) => running.line(pattern),
    ended: async () => Number((await running.line(/^ended/)).split(' ')[1]),
    output: () => running.output(),
    async release() {
      const closed = once(child, 'close')
      child.stdin?.end()
      try {
        process.kill(newest, 'SIGTERM')
      } catch {
        // It has ended.
      }
      await closed
    },
  }
}

/** Not part of Node's documented interface, and the only way to a socket that listens and takes nothing. */
function descriptorOf(server: Server): number {
  const { fd } = (server as Server & { readonly _handle: { readonly fd: number } })._handle
  return fd
}
