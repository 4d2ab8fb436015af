import { sandboxCommand, readRuntime } from '../../packages/executor/dist/hardening/sandbox-command.js'
import { selectHardening } from '../../packages/executor/dist/hardening/select-hardening.js'
import { spawnProcess } from '../../packages/executor/dist/hardening/spawn-process.js'

/** Starts that are timed. */
const starts = 20
const memoryMb = 128

/**
 * How long the start of one process holds the event loop of the host up, in milliseconds: the kernel copies the page
 * tables of the host, and Node waits until the copy has become the launcher.
 */
export async function timeStarts() {
  const hardening = await selectHardening('best-effort')
  const runtime = readRuntime()
  const times = []
  for (let index = 0; index < starts; index++) {
    const command = sandboxCommand(hardening, runtime, memoryMb)
    const from = performance.now()
    const started = spawnProcess(command)
    times.push(performance.now() - from)
    started.stdout.resume()
    started.stderr.resume()
    started.channel.on('error', () => {}).resume()
    started.kill()
    await new Promise((resolve) => started.child.once('close', resolve))
  }
  return times
}
