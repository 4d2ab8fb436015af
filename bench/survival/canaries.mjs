import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** What attackers are after: a file, a port, a path to write to, and a process. */
export async function setOutCanaries(folder) {
  const canaryPath = join(folder, 'canary.txt')
  const canaryWritePath = join(folder, 'written.txt')
  await writeFile(canaryPath, 'CANARY in a file')
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' })
  return {
    input: { canaryPath, canaryWritePath, canaryPort: server.address().port, canaryPid: victim.pid },
    touched: () => [
      ...(connections > 0 ? ['port'] : []),
      ...(existsSync(canaryWritePath) ? ['path to write to'] : []),
      ...(victim.exitCode !== null || victim.signalCode !== null ? ['process'] : []),
    ],
    close() {
      victim.kill('SIGKILL')
      server.close()
    },
  }
}
