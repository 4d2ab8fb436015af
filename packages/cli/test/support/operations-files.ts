import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const folder = fileURLToPath(new URL('../../../../examples/operations/', import.meta.url))

/** The text of a file of examples/operations. */
export function readExample(name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8')
}

/** Whether a program is installed; one that is not does not make a test fail. */
export async function isInstalled(program: string): Promise<boolean> {
  return promisify(execFile)('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  )
}

/** `Section.Key` and values of a unit (systemd.syntax(7)), without the comments. */
export function parseUnit(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  let section = ''
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const header = /^\[(\w+)\]$/.exec(line)?.[1]
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (header !== undefined) section = header
    else if (key === undefined || value === undefined) throw new Error(`Cannot read the line "${line}"`)
    else found.set(`${section}.${key}`, [...(found.get(`${section}.${key}`) ?? []), value])
  }
  return found
}

/** Has systemd itself read the units, with a program that is there. */
export async function verifyUnits(place: string): Promise<void> {
  await mkdir(place)
  const names = ['cordon.service', 'cordon.socket']
  for (const name of names) {
    const text = await readExample(name)
    await writeFile(join(place, name), text.replace('/usr/bin/node', process.execPath).replace('=/opt/cordon\n', `=${place}\n`))
  }
  const { stderr } = await promisify(execFile)('systemd-analyze', ['verify', ...names.map((name) => join(place, name))])
  // Of other units of the machine it speaks, too.
  const said = stderr.split('\n').filter((line) => line.includes('cordon'))
  if (said.length > 0) throw new Error(said.join('\n'))
}

/** A directive of nginx, and those in its block. */
export interface Directive {
  readonly words: readonly string[]
  readonly block: readonly Directive[]
}

/** Reads a configuration of nginx: words up to a semicolon, or a block in braces. */
export function parseNginx(text: string): readonly Directive[] {
  const tokens = text.replaceAll(/^\s*#.*$/gm, '').match(/"[^"]*"|[{};]|[^\s{};]+/g) ?? []
  function readBlock(isInner: boolean): Directive[] {
    const directives: Directive[] = []
    let words: string[] = []
    for (let token = tokens.shift(); token !== undefined; token = tokens.shift()) {
      if (token === '}' && isInner && words.length === 0) return directives
      if (token === '}') throw new Error('a brace too many, or a semicolon too few')
      if (token === ';' || token === '{') {
        if (words.length === 0) throw new Error(`nothing stands before "${token}"`)
        directives.push({ words, block: token === '{' ? readBlock(true) : [] })
        words = []
      } else words.push(token)
    }
    if (isInner || words.length > 0) throw new Error('a brace or a semicolon too few')
    return directives
  }
  return readBlock(false)
}

/** A running nginx. */
export interface RunningNginx {
  readonly url: string
  stop(): Promise<void>
}

/** Checks a configuration with `nginx -t` and runs it, on a free port in front of `upstream` (`host:port`). */
export async function startNginx(prefix: string, conf: string, upstream: string): Promise<RunningNginx> {
  const port = await freePort()
  await mkdir(prefix, { recursive: true })
  await writeFile(join(prefix, 'cordon.conf'), conf.replace('127.0.0.1:8080', upstream).replace('listen 80;', `listen 127.0.0.1:${port};`))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`).join('\n')
  const main = `daemon off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${paths}\ninclude cordon.conf;\n}\n`
  await writeFile(join(prefix, 'nginx.conf'), main)
  const args = ['-p', prefix, '-c', 'nginx.conf', '-e', 'stderr']
  await promisify(execFile)('nginx', [...args, '-t'])
  const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  while (!(await accepts(port))) if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      await closed
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function accepts(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).then((isThere) => {
    socket.destroy()
    return isThere === true
  })
}
