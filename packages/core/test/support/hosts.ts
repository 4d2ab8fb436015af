import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isRecord } from '@cordon/contracts'

/** A platform in a process of its own; see `fixtures/following-host.mjs`. */
export interface HostProcess {
  readonly process: ChildProcess
  /** Does something there. Rejects with the code and message of its failure. */
  act(act: string, argument?: Readonly<Record<string, unknown>>): Promise<unknown>
  /** Resolves when the host has said that this version of a function is live there, or, without a version, that it is gone. */
  seen(name: string, version?: unknown): Promise<void>
  kill(): Promise<void>
  close(): Promise<void>
}

const program = fileURLToPath(new URL('../../test/fixtures/following-host.mjs', import.meta.url))

/** Starts a host on a database. */
export async function startHostProcess(databaseUrl: string): Promise<HostProcess> {
  const child = fork(program, [databaseUrl])
  const answers = new Map<unknown, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const states = new Map<unknown, unknown>()
  let onDeployment = (): void => undefined
  let number = 0
  child.on('message', (message: unknown) => {
    if (!isRecord(message)) return
    const { id, result, error, deployment } = message
    if (isRecord(deployment)) {
      states.set(deployment['name'], deployment['kind'] === 'remove' ? undefined : deployment['version'])
      onDeployment()
    }
    const waiting = answers.get(id)
    answers.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(String(error)))
  })
  await once(child, 'message')
  const act = (name: string, argument?: Readonly<Record<string, unknown>>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++number
      answers.set(id, { resolve, reject })
      child.send({ id, act: name, argument })
    })
  async function end(how: () => void): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    how()
    await exit
  }
  return {
    process: child,
    act,
    async seen(name, version) {
      while (!states.has(name) || states.get(name) !== version) {
        await new Promise<void>((resolve) => {
          onDeployment = resolve
        })
      }
    },
    kill: () => end(() => child.kill('SIGKILL')),
    close: async () => {
      await act('close')
      await end(() => child.disconnect())
    },
  }
}
