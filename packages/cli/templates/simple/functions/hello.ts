import type { Context } from '@cordon/core'

/**
 * Greets somebody.
 *
 * @function
 */
export default async function hello(input: { name: string }, ctx: Context): Promise<{ greeting: string }> {
  ctx.log.info('greeting', { name: input.name })
  return { greeting: `Hello ${input.name}` }
}
