import type { Context } from '@cordon/core'

/** Adds a note for the signed-in user and gives all of theirs. @function */
export default async function notes(input: { text: string }, ctx: Context): Promise<string[]> {
  const author = ctx.user?.id ?? 'nobody'
  await ctx.db.sql`INSERT INTO notes (author, text) VALUES (${author}, ${input.text})`
  const { rows } = await ctx.db.sql<{ text: string }>`SELECT text FROM notes WHERE author = ${author} ORDER BY id`
  return rows.map(({ text }) => text)
}
