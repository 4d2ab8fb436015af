import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Things of this host that a self-check tries to get at: a file that anybody may read, a path where nothing is, a listening port, this process. */
export interface Canary {
  readonly file: string
  readonly absent: string
  readonly port: number
}

/**
 * Runs a self-check against a canary of its own and adds what the canary saw of it, in words; nothing when it was not
 * touched.
 *
 * @throws Error "Cannot make a canary in '…', …" where the temporary directory cannot be written to or a port not be had
 */
export async function withCanary<Found>(
  check: (canary: Canary) => Promise<Found>,
): Promise<{ readonly found: Found; readonly seen: readonly string[] }> {
  const server = createServer()
  let connections = 0
  server.on('connection', (socket) => {
    connections++
    socket.destroy()
  })
  let directory: string | undefined
  try {
    let canary: Canary
    try {
      directory = mkdtempSync(join(tmpdir(), 'cordon-check-'))
      canary = await setOut(directory, server)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new Error(`Cannot make a canary in '${tmpdir()}', TMPDIR has to be a directory that can be written to: ${why}`, { cause: error })
    }
    const before = state(canary.file)
    const found = await check(canary)
    const seen = [
      ...(connections > 0 ? ['the canary port was reached'] : []),
      ...(existsSync(canary.absent) ? ['a file was made'] : []),
      ...(state(canary.file) === before ? [] : ['the canary file or the host was changed']),
    ]
    return { found, seen }
  } finally {
    server.close()
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  }
}

async function setOut(directory: string, server: ReturnType<typeof createServer>): Promise<Canary> {
  // The sandbox's user must be able to read there: what refuses it has to be the sandbox, not the mode of a directory.
  // Nobody else may write there, or they could put a link in the place of what this process writes.
  chmodSync(directory, 0o755)
  const file = join(directory, 'canary')
  writeFileSync(file, 'canary', { mode: 0o644 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { file, absent: join(directory, 'absent'), port }
}

/** What an attack could have changed. */
function state(file: string): string {
  if (!existsSync(file)) return 'gone'
  const { mode, size, mtimeMs } = lstatSync(file)
  return JSON.stringify([mode, size, mtimeMs, readFileSync(file, 'utf8'), getPriority(process.pid)])
}
