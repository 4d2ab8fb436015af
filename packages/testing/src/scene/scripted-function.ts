import { types } from 'node:util'
import { PlatformError, reasonOf, type JsonInvocation, type Outcome } from '@cordon/contracts'
import { whileAnswering } from '../turns.ts'

/** Stands for a function that another one calls: gets the input, gives the output, or throws. */
export type ScriptedFunction = (input: unknown) => unknown

const measures = { queueMs: 0, bootMs: 0, loadMs: 0, durationMs: 0, cpuMs: 0, peakMemoryMb: 0, coldStart: false, logs: [], droppedLogBytes: 0 }

/** What is deployed under the name of a scripted function, so that all that is decided before a call is decided as ever. */
export const stubSource = '/** @function */\nexport default function stub(): void {}\n'

/** Runs a script in place of a sandbox. */
export async function runScript(script: ScriptedFunction, { inputJson, capabilities, signal }: JsonInvocation): Promise<Outcome> {
  try {
    const output = await untilAborted(async () => whileAnswering(() => script(inputJson === undefined ? undefined : JSON.parse(inputJson))), signal)
    return { kind: 'success', outputJson: output === undefined ? undefined : JSON.stringify(output), ...measures }
  } catch (thrown) {
    return { kind: 'failure', error: thrown instanceof PlatformError ? thrown : asFunctionError(thrown), ...measures }
  } finally {
    await capabilities.end()
  }
}

/** Whoever called it may be gone before it answers. */
async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(new PlatformError('CANCELLED', 'Cannot call the function: the invocation is over')), {
      once: true,
    })
  })
  return Promise.race([work(), aborted])
}

function asFunctionError(thrown: unknown): PlatformError {
  const { name, stack } = types.isNativeError(thrown) ? thrown : { name: 'Error', stack: undefined }
  const message = types.isNativeError(thrown) ? thrown.message : reasonOf(thrown)
  return new PlatformError('FUNCTION_ERROR', message, {
    details: { error: { name, message, ...(stack === undefined ? {} : { stack }) } },
    cause: thrown,
  })
}
