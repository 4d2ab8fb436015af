import type { PoolClient } from 'pg'
import type { End } from './end.ts'

/** Stops a statement of another connection, by the process id of its backend. */
export interface Stopper {
  cancel(processId: number): Promise<void>
  terminate(processId: number): Promise<void>
}

/** How far the ladder was climbed. */
export type LadderStage = 'running' | 'cancelled' | 'terminated'

/** How a statement ended, and how far the ladder was climbed for it. */
export interface LadderOutcome<T> {
  readonly result: PromiseSettledResult<T>
  readonly stage: LadderStage
}

/** Options of `climb`. */
export interface LadderOptions {
  readonly timeoutMs: number
  readonly stopper: Stopper
  /** Starts the ladder before the deadline. */
  readonly end?: End | undefined
}

/** How long a cancel may take, in milliseconds. A prototype stopped statements that obey within 6 ms of it. */
const cancelMs = 300
/** How long terminating may take; the two together stay below half a second, which is all that a statement gets beyond its deadline. */
const terminateMs = 150

/**
 * Waits for `work`, a statement that runs on `client`. At the deadline the statement is cancelled; 300 ms later its backend
 * is terminated, 150 ms after that the socket is cut. A cancel that is still under way when the statement ends is waited
 * for, so it cannot hit the next one.
 */
export async function climb<T>(client: PoolClient, work: Promise<T>, { timeoutMs, stopper, end }: LadderOptions): Promise<LadderOutcome<T>> {
  let stage: LadderStage = 'running'
  let timer: NodeJS.Timeout | undefined
  const orders: Promise<void>[] = []
  const processId = processIdOf(client)

  function cutSocket(): void {
    client.connection.stream.destroy()
  }
  function terminate(): void {
    stage = 'terminated'
    // Without an answer of the server the socket is all there is to cut.
    orders.push(stopper.terminate(processId).catch(cutSocket))
    timer = setTimeout(cutSocket, terminateMs)
  }
  function cancel(): void {
    if (stage !== 'running') return
    clearTimeout(timer)
    stage = 'cancelled'
    orders.push(stopper.cancel(processId).catch(() => undefined))
    timer = setTimeout(terminate, cancelMs)
  }

  timer = setTimeout(cancel, Math.max(0, timeoutMs))
  end?.listen(cancel)
  const result = await settled(work)
  clearTimeout(timer)
  end?.ignore(cancel)
  if (orders.length > 0) await Promise.all(orders)
  return { result, stage }
}

function settled<T>(work: Promise<T>): Promise<PromiseSettledResult<T>> {
  return work.then(
    (value) => ({ status: 'fulfilled', value }),
    (reason: unknown) => ({ status: 'rejected', reason }),
  )
}

/** Process id of the backend; `pg` knows it, its types do not. */
export function processIdOf(client: PoolClient): number {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : 0
}
