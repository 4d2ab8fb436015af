import type { Context } from '@cordon/core'

interface Order {
  readonly items: readonly { readonly name: string; readonly cents: number; readonly count: number }[]
}

/**
 * Adds up an order.
 *
 * @function
 */
export default async function total(order: Order, ctx: Context): Promise<{ cents: number; lines: string[] }> {
  const lines = order.items.map(({ name, cents, count }) => `${count} x ${name}: ${((cents * count) / 100).toFixed(2)}`)
  ctx.log.info('order added up', { items: order.items.length })
  return { cents: order.items.reduce((sum, { cents, count }) => sum + cents * count, 0), lines }
}
