import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hardening } from './hardening.ts'
import { confiningNodeFlags, heapFlags, sandboxEnvironment } from './node-flags.ts'
import { spawnProcess } from './spawn-process.ts'

/** Forbidden things that the self-check of the basic level tries. */
export type BasicProbe = 'files' | 'child processes' | 'threads' | 'add-ons' | 'signals to the host' | 'network'
/** What came of each; `undefined` when the check could not be run. */
export type BasicAnswers = Readonly<Record<BasicProbe, 'refused' | 'worked'>>

const memoryMb = 64
/** A start of Node and a few calls: 50 ms, on a machine under heavy load seconds. */
const checkMs = 20_000

/**
 * Lets a Node with the flags of a sandbox try forbidden things against canaries of this host: a file, a path, a
 * listening port and this process. The canaries have the last word.
 */
export async function checkBasic(hardening: Pick<Hardening, 'command'>): Promise<BasicAnswers | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-check-'))
  const server = createServer((socket) => socket.destroy())
  try {
    // The sandbox's user must be able to get there: what refuses it has to be the sandbox, not the mode of a directory.
    chmodSync(directory, 0o777)
    const file = join(directory, 'canary')
    const absent = join(directory, 'absent')
    writeFileSync(file, 'canary', { mode: 0o644 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const nodeArguments = [...confiningNodeFlags(), ...heapFlags(memoryMb), '-e', script({ file, absent, port, host: process.pid })]
    const text = await outputOf(hardening, nodeArguments)
    const answers = text === '' ? undefined : (JSON.parse(text) as BasicAnswers)
    return answers === undefined || !existsSync(absent) ? answers : { ...answers, files: 'worked' }
  } catch {
    return undefined
  } finally {
    server.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs inside. An error other than a refusal counts as "worked": the way was open. */
function script(canary: { readonly file: string; readonly absent: string; readonly port: number; readonly host: number }): string {
  return `
    const fs = require('fs'), canary = ${JSON.stringify(canary)}
    const refusals = ['ERR_ACCESS_DENIED', 'ERR_DLOPEN_DISABLED', 'EPERM', 'EACCES']
    const attempt = (...runs) => runs.every((run) => { try { run(); return false } catch (error) { return refusals.includes(error.code) } }) ? 'refused' : 'worked'
    const answers = {
      files: attempt(() => fs.readFileSync(canary.file), () => fs.writeFileSync(canary.absent, 'x'), () => fs.readdirSync('/')),
      'child processes': attempt(() => { const { error } = require('child_process').spawnSync(process.execPath, ['--version']); if (error) throw error }),
      threads: attempt(() => new (require('worker_threads').Worker)('', { eval: true }).unref()),
      'add-ons': attempt(() => process.dlopen({ exports: {} }, canary.file)),
      'signals to the host': attempt(() => process.kill(canary.host, 0)),
    }
    const end = (network) => { process.stdout.write(JSON.stringify({ ...answers, network })); process.exitCode = 0 }
    try {
      const socket = require('net').connect(canary.port, '127.0.0.1')
      socket.on('connect', () => { socket.destroy(); end('worked') }).on('error', (error) => end(refusals.includes(error.code) ? 'refused' : 'worked'))
    } catch (error) { end(refusals.includes(error.code) ? 'refused' : 'worked') }`
}

async function outputOf(hardening: Pick<Hardening, 'command'>, nodeArguments: readonly string[]): Promise<string> {
  const sandbox = spawnProcess(hardening.command({ nodeArguments, environment: sandboxEnvironment, memoryMb }))
  let text = ''
  sandbox.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  sandbox.stderr.resume()
  sandbox.channel.resume().on('error', () => undefined)
  const deadline = setTimeout(() => sandbox.kill(), checkMs)
  try {
    await once(sandbox.child, 'close')
    return text
  } finally {
    clearTimeout(deadline)
  }
}
