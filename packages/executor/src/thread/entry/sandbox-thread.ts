import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { compileFunction } from 'node:vm'
import type { MessagePort } from 'node:worker_threads'
import type { Handle } from '../../runtime/channel.ts'
import { bytesLength, NativeArrayBuffer, NativeUint8Array, typedArraySet } from '../../runtime/primordials.ts'

/** What a thread is started with. */
export interface ThreadStart {
  /** Carries what a process has on its pipe, an ArrayBuffer of bytes per message. */
  readonly port: MessagePort
  /** Text of the bundled runtime. */
  readonly runtime: string
}

/** A message port with the interface of the pipe's handle, so that threads run the very runtime of processes. */
class PortHandle implements Handle {
  onread: Handle['onread'] = () => undefined
  readonly #port: MessagePort
  readonly #post: MessagePort['postMessage']
  #bytesRead = 0

  constructor(port: MessagePort) {
    this.#port = port
    this.#post = port.postMessage.bind(port)
  }

  get bytesRead(): number {
    return this.#bytesRead
  }

  /** A port takes everything at once. */
  get writeQueueSize(): number {
    return 0
  }

  readStart(): number {
    this.#port.on('message', (memory: ArrayBuffer) => {
      this.#bytesRead += memory.byteLength
      this.onread(memory)
    })
    return 0
  }

  readStop(): number {
    this.#port.removeAllListeners('message')
    return 0
  }

  /**
   * Copies: the runtime uses its memory again, and a view would be cloned with everything around it. Cloned and not moved: the list
   * of what moves is read with an iterator that user code can change.
   */
  writeBuffer(_request: unknown, bytes: Uint8Array): number {
    const memory = new NativeArrayBuffer(bytesLength(bytes))
    typedArraySet(new NativeUint8Array(memory), bytes, 0)
    this.#post(memory)
    return 0
  }
}

const { threadCpuUsage }: NodeJS.Process & { threadCpuUsage?: () => NodeJS.CpuUsage } = process
const eventLoopUtilization = performance.eventLoopUtilization.bind(performance)

/** CPU time of this thread in microseconds; where Node cannot tell it, the time its event loop was busy, which is the nearest thing there is. */
function cpuUsage(): NodeJS.CpuUsage {
  return threadCpuUsage?.() ?? { user: Math.round(eventLoopUtilization().active * 1000), system: 0 }
}

/** What piscina runs in a thread: the runtime of a sandbox, until the thread is ended from outside or by itself. */
export function runSandbox({ port, runtime }: ThreadStart): Promise<never> {
  const handle = new PortHandle(port)
  class PortSocket {
    readonly _handle = handle
    write(bytes: Uint8Array): void {
      this._handle.writeBuffer(null, bytes)
    }
  }
  const require = createRequire(import.meta.url)
  const give = (name: string): unknown => (name === 'node:net' ? { Socket: PortSocket } : require(name))
  process.cpuUsage = cpuUsage
  // The name that `node -e` gives it: stacks leave its frames out.
  compileFunction(runtime, ['require'], { filename: '[eval]' })(give)
  return new Promise(() => undefined)
}
