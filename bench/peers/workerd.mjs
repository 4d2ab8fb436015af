import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const program = 'export default { async fetch(request) { const { n } = await request.json(); return Response.json({ n }) } }'
const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "main", esModule = ${JSON.stringify(program)})], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`

/** The trivial function in workerd, called over HTTP connections that are kept open. */
export async function createWorkerd(binary) {
  const { port, close } = await startWorkerd(binary)
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    call: (input) => post(agent, port, input),
    close() {
      agent.destroy()
      close()
    },
  }
}

/** A workerd that answers every path with the trivial function. */
export async function startWorkerd(binary) {
  const folder = await mkdtemp(join(tmpdir(), 'cordon-bench-workerd-'))
  const file = join(folder, 'config.capnp')
  await writeFile(file, config)
  const child = spawn(binary, ['serve', '--control-fd=3', file], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  const close = () => child.kill('SIGKILL')
  try {
    return { port: await listeningPort(child), pid: child.pid, close }
  } catch (error) {
    close()
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function listeningPort(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`workerd ended with code ${code}`)))
    createInterface({ input: child.stdio[3] }).on('line', (line) => resolve(JSON.parse(line).port))
  })
}

function post(agent, port, input) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(input)
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve(JSON.parse(text)))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
