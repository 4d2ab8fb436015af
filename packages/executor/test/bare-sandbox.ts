import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hardening, SpawnCommand, SpawnSpec } from '../dist/hardening/hardening.js'
import { confiningNodeFlags, heapFlags, sandboxEnvironment } from '../dist/hardening/node-flags.js'
import { spawnProcess } from '../dist/hardening/spawn-process.js'

/** What came of a script in a sandbox, as the host saw it. */
export interface Ending {
  readonly kind: 'result' | 'ended' | 'stopped'
  /** What the script gave to `done(value)`, JSON; undefined unless `kind` is `result`. */
  readonly value?: unknown
  readonly status: number | null
  readonly signal: string | null
  readonly stderr: string
}

/** Level `basic` without the runtime: Node's own flags and nothing else. */
export const flagsOnly: Pick<Hardening, 'command'> = {
  command: (spec: SpawnSpec): SpawnCommand => ({ file: process.execPath, arguments: spec.nodeArguments, environment: spec.environment }),
}

/** Answer of the script on descriptor 3. Whatever else it writes there is noise. */
const mark = '\nANSWER '
/** Bytes of descriptor 3 that are kept. */
const maxBytes = 1 << 20

/** How a script is run. `module`: import and top-level await work. `extraFlags` are added behind the flags of a sandbox. */
export interface RunOptions {
  readonly memoryMb?: number
  /** When the script is stopped if it has not answered. */
  readonly deadlineMs?: number
  readonly module?: boolean
  readonly withoutPermissionModel?: boolean
}

/**
 * Runs a script in a bare sandbox: the wall alone, without the runtime that hides `process` and `require` from user
 * code. The script answers with `done(value)`.
 */
export async function runBare(hardening: Pick<Hardening, 'command'>, script: string, options: RunOptions = {}): Promise<Ending> {
  const { memoryMb = 64, deadlineMs = 10_000, module = false, withoutPermissionModel = false } = options
  const answer = `s.write(${JSON.stringify(mark)} + JSON.stringify(value ?? null) + '\\n')`
  const channel = `const s = new Socket({ fd: 3, readable: true }); s.resume(); const done = (value) => ${answer};`
  const head = module ? `import { Socket } from 'node:net';` : `const { Socket } = require('node:net');`
  const flags = confiningNodeFlags().filter((flag) => !flag.startsWith('--input-type') && !(withoutPermissionModel && flag.endsWith('permission')))
  const nodeArguments = [...flags, `--input-type=${module ? 'module' : 'commonjs'}`, ...heapFlags(memoryMb), '-e', `${head}${channel}${script}`]
  const sandbox = spawnProcess(hardening.command({ nodeArguments, environment: sandboxEnvironment, memoryMb }))
  let stderr = ''
  let received = ''
  let value: unknown
  let kind: Ending['kind'] = 'ended'
  sandbox.stderr.setEncoding('latin1').on('data', (text: string) => (stderr = (stderr + text).slice(-4096)))
  sandbox.stdout.resume()
  // A sandbox that was killed in the middle of a write resets the channel.
  sandbox.channel.on('error', () => {})
  sandbox.channel.setEncoding('latin1').on('data', (text: string) => {
    received = (received + text).slice(-maxBytes)
    const at = received.lastIndexOf(mark)
    const end = at < 0 ? -1 : received.indexOf('\n', at + mark.length)
    if (end < 0) return
    kind = 'result'
    value = JSON.parse(received.slice(at + mark.length, end))
    sandbox.kill()
  })
  const deadline = setTimeout(() => {
    kind = 'stopped'
    sandbox.kill()
  }, deadlineMs)
  const [status, signal] = await once(sandbox.child, 'close')
  clearTimeout(deadline)
  return { kind, value, status, signal, stderr }
}

/** Things of the host that nothing may touch. */
export interface Canaries extends AsyncDisposable {
  readonly path: string
  readonly writePath: string
  readonly port: number
  /** What was touched since the last call, empty when nothing was. */
  touched(): string[]
}

/** Sets out canaries: a file, a path where no file is, a TCP and a UDP port, and a handler for the signal that opens Node's inspector. */
export async function setOutCanaries(): Promise<Canaries> {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-canary-'))
  chmodSync(directory, 0o777)
  const path = join(directory, 'secret.txt')
  const writePath = join(directory, 'written')
  writeFileSync(path, 'CANARY secret')
  chmodSync(path, 0o666)
  const seen: string[] = []
  const server = createServer((socket) => {
    seen.push('the TCP port was reached')
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const datagrams = createSocket('udp4', () => seen.push('the UDP port was reached'))
  datagrams.bind(port, '127.0.0.1')
  await once(datagrams, 'listening')
  function onSignal(): void {
    seen.push('the host was signalled')
  }
  process.on('SIGUSR1', onSignal)
  return {
    path,
    writePath,
    port,
    touched() {
      if (existsSync(writePath)) seen.push('a file was written')
      if (readFileSync(path, 'utf8') !== 'CANARY secret') seen.push('the canary file was changed')
      rmSync(writePath, { recursive: true, force: true })
      return seen.splice(0)
    },
    async [Symbol.asyncDispose]() {
      process.off('SIGUSR1', onSignal)
      datagrams.close()
      await new Promise((resolve) => server.close(resolve))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
