import type { Context } from '@cordon/core'

export const config = { database: true }

interface Entry {
  readonly name: string
  readonly message: string
}

/**
 * Writes into the guest book, when there is something to write, and gives the newest ten entries.
 *
 * @function
 */
export default async function guestbook(input: Partial<Entry>, ctx: Context): Promise<{ entries: Entry[] }> {
  const { name = 'somebody', message } = input
  // The values are sent beside the statement: what they contain is never SQL.
  if (message !== undefined) await ctx.db.sql`INSERT INTO entries (name, message) VALUES (${name}, ${message})`
  const { rows } = await ctx.db.sql<{ name: string; message: string }>`SELECT name, message FROM entries ORDER BY id DESC LIMIT 10`
  return { entries: rows }
}
