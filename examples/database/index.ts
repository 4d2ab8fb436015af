import type { Context } from '@cordon/core'

export const config = { database: true }

interface Transfer {
  readonly from: string
  readonly to: string
  readonly amount: number
}

/**
 * Moves money between two accounts: both changes or neither.
 *
 * @function
 */
export default async function transfer(input: Transfer, ctx: Context): Promise<{ accounts: { name: string; balance: number }[] }> {
  await ctx.db.query('create table if not exists accounts (name text primary key, balance integer not null check (balance >= 0))')
  for (const name of [input.from, input.to]) {
    await ctx.db.sql`insert into accounts (name, balance) values (${name}, 100) on conflict (name) do nothing`
  }
  await ctx.db.transaction(async (tx) => {
    await tx.sql`update accounts set balance = balance + ${input.amount} where name = ${input.to}`
    // The check of the table refuses an overdraft; then the line above is undone, too.
    await tx.sql`update accounts set balance = balance - ${input.amount} where name = ${input.from}`
  })
  const { rows } = await ctx.db.sql<{
    name: string
    balance: number
  }>`select name, balance from accounts where name in (${input.from}, ${input.to}) order by name`
  return { accounts: rows }
}
