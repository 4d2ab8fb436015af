import type { ChildEvents, SpawnedProcess } from '../hardening/spawn-process.ts'

/** Bytes of a process's own output that are kept; the runtime sends everything functions print through the pipe. */
const keptBytes = 8192
/** Bytes that a process may print by itself: a thousand times what Node says when it dies, and little work for who reads them. */
export const maxPrintedBytes = 1_048_576
/** The output of a dead process is waited for this long, in milliseconds; something that inherited its pipes must not hold the outcome up. */
const closeGraceMs = 1000

/** What a process writes to its standard output and error: always read, the start of it kept. */
export class PrintedOutput {
  text = ''
  #bytes = 0

  /** `onFlood` is called once, when it is more than a sandbox may print. */
  constructor(
    { child, stdout, stderr }: Pick<SpawnedProcess, 'stdout' | 'stderr'> & { readonly child: Pick<ChildEvents, 'once'> },
    onFlood: () => void,
  ) {
    for (const stream of [stdout, stderr]) {
      stream.on('error', () => undefined)
      stream.on('data', (chunk: Buffer) => this.#take(chunk, onFlood))
    }
    child.once('exit', () => {
      const timer = setTimeout(() => [stdout, stderr].forEach((stream) => stream.destroy()), closeGraceMs)
      child.once('close', () => clearTimeout(timer))
    })
  }

  #take(chunk: Buffer, onFlood: () => void): void {
    const before = this.#bytes
    this.#bytes += chunk.length
    if (before <= maxPrintedBytes && this.#bytes > maxPrintedBytes) onFlood()
    if (this.text.length < keptBytes) this.text += chunk.toString('latin1', 0, keptBytes - this.text.length)
  }
}
