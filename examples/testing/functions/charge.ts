import type { Context } from '@cordon/core'

export const config = { net: ['api.pay.example'], secrets: ['PAY_KEY'] }

/** Charges an order and gives the receipt. @function */
export default async function charge(input: { orderId: string; amount: number }, ctx: Context): Promise<{ receipt: string; at: string }> {
  ctx.log.info('charging', { orderId: input.orderId })
  const answer = await fetch('https://api.pay.example/charges', {
    method: 'POST',
    headers: { authorization: `Bearer ${ctx.secrets['PAY_KEY']}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount: input.amount }),
  })
  if (!answer.ok) throw new Error(`The payment was refused with ${answer.status}`)
  const { id } = (await answer.json()) as { id: string }
  return { receipt: `${input.orderId}/${id}`, at: new Date().toISOString() }
}
