/** Start on an existing data directory, deployment on a warm analyzer, first call from a spare. */
import { createPlatform } from '@cordon/core'
import { median, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const rounds = 9

/** Twenty lines with a type or two, as a customer writes them; `round` makes each deployment a new version. */
function source(round) {
  return `interface Line { sku: string; quantity: number; price: number }
interface Order { id: string; lines: Line[]; coupon?: string }
interface Receipt { id: string; total: number; lines: number }

export const config = { timeoutMs: 2000 }

const discounts: Record<string, number> = { TEN: 0.1, HALF: 0.5 }

function sum(lines: Line[]): number {
  return lines.reduce((total, line) => total + line.quantity * line.price, 0)
}

/** @function */
export default async function receipt(order: Order): Promise<Receipt> {
  const discount = order.coupon === undefined ? 0 : (discounts[order.coupon] ?? 0)
  const total = Math.round(sum(order.lines) * (1 - discount) * 100) / 100
  console.log('receipt', order.id, total)
  return { id: order.id + '-${round}', total, lines: order.lines.length }
}
`
}

const order = { id: 'a', lines: [{ sku: 'x', quantity: 2, price: 9.99 }] }

async function timed(run) {
  const start = performance.now()
  const value = await run()
  return [performance.now() - start, value]
}

await withScratch(async (dataDir) => {
  await (await createPlatform({ dataDir })).close()
  const starts = []
  for (let round = 0; round < rounds; round++) {
    const [startMs, platform] = await timed(() => createPlatform({ dataDir }))
    starts.push(startMs)
    await platform.close()
  }
  report('createPlatform on an existing directory, median', median(starts), 'ms', 600)

  const platform = await createPlatform({ dataDir })
  try {
    const deployments = []
    const firstCalls = []
    await platform.deploy({ name: 'receipt', source: source(-1) })
    for (let round = 0; round < rounds; round++) {
      const [deployMs] = await timed(() => platform.deploy({ name: 'receipt', source: source(round) }))
      deployments.push(deployMs)
      // Wait for the spare of the fleet, not for the deployment's own pre-loading: each version is called once.
      await spareReady(platform)
      const [callMs, result] = await timed(() => platform.invoke('receipt', order))
      firstCalls.push(callMs)
      if (result.output.total !== 19.98) throw new Error('the function gave a wrong answer')
    }
    report('deploy of 20 lines of TypeScript, warm, median', median(deployments), 'ms', 150)
    report('first call of a deployed function, median', median(firstCalls), 'ms', 10)
  } finally {
    await platform.close()
  }
})

async function spareReady(platform) {
  while (platform.stats().sandboxes.spare === 0 || platform.stats().sandboxes.booting > 0) await new Promise((resolve) => setImmediate(resolve))
}
