import { createReaper } from '@cordon/executor'
import { sandboxCommand, readRuntime } from '../../packages/executor/dist/hardening/sandbox-command.js'
import { selectHardening } from '../../packages/executor/dist/hardening/select-hardening.js'
import { startProcess } from '../../packages/executor/dist/hardening/start-process.js'

/** Starts that are timed, of each kind. */
const starts = 20
const memoryMb = 128

/**
 * How long the start of one process holds the event loop of the host up, in milliseconds: when the host starts it itself, the kernel copies
 * the page tables of the host, and Node waits until the copy has become the launcher; with a reaper the host only sends a message.
 *
 * @returns times of both kinds
 */
export async function timeStarts() {
  const hardening = await selectHardening('best-effort')
  const runtime = readRuntime()
  const reaper = createReaper()
  const command = (parent) => sandboxCommand(hardening, runtime, memoryMb, parent)
  const itself = []
  const helped = []
  for (let index = 0; index < starts; index++) {
    itself.push(await timeStart(() => startProcess(command())))
    helped.push(await timeStart(() => reaper.start(command)))
  }
  await reaper.close()
  return { itself, helped }
}

async function timeStart(start) {
  const from = performance.now()
  const started = start()
  const time = performance.now() - from
  started.events.once('start', (channel) => channel.on('error', () => {}).resume())
  started.kill()
  await new Promise((resolve) => started.events.once('close', resolve))
  return time
}
