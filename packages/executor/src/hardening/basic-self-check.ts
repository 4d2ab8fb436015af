import { once } from 'node:events'
import { withCanary, type Canary } from './canary.ts'
import type { Hardening } from './hardening.ts'
import { confiningNodeFlags, heapFlags, sandboxEnvironment } from './node-flags.ts'
import { spawnProcess } from './spawn-process.ts'

/** Forbidden things that the self-check of the basic level tries. */
export type BasicProbe = 'files' | 'child processes' | 'threads' | 'add-ons' | 'signals to the host' | 'network'
/** What came of each. */
export type BasicAnswers = Readonly<Record<BasicProbe, 'refused' | 'worked'>>

const memoryMb = 64
/** A start of Node and a few calls: 50 ms, on a machine under heavy load seconds. */
const checkMs = 20_000

/**
 * Lets a Node with the flags of a sandbox try forbidden things against a canary of this host, which has the last word.
 * `undefined` when it could not be run; never throws.
 */
export async function checkBasic(hardening: Pick<Hardening, 'command'>): Promise<BasicAnswers | undefined> {
  try {
    const { found, seen } = await withCanary((canary) =>
      outputOf(hardening, [...confiningNodeFlags(), ...heapFlags(memoryMb), '-e', script({ ...canary, host: process.pid })]),
    )
    const answers = JSON.parse(found) as BasicAnswers
    return seen.includes('a file was made') ? { ...answers, files: 'worked' } : answers
  } catch {
    return undefined
  }
}

/** Runs inside. An error other than a refusal counts as "worked": the way was open. */
function script(canary: Canary & { readonly host: number }): string {
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
