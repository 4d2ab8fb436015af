/** Sources to analyse, new ones with each round, as customers write them. */

/** Twenty lines in one file: types, a built-in, the context, a configuration. */
export function small(round) {
  return {
    'index.ts': `import { createHash } from 'node:crypto'

interface Line { sku: string; count: number }
interface Order { id: string; placedAt: Date; lines: Line[]; coupon?: string }
interface Receipt { paid: boolean; total: number; hash: string }

export const config = { timeoutMs: 2000, memoryMb: 64, database: true }

/** Charges an order. @function */
export default async function charge(order: Order, ctx: Context): Promise<Receipt> {
  const skus = order.lines.map((line) => line.sku)
  const { rows } = await ctx.db.query<{ sku: string; price: number }>('select sku, price from prices where sku = any($1)', [skus])
  const prices = new Map(rows.map((row) => [row.sku, row.price]))
  let total = ${round}
  for (const line of order.lines) total += (prices.get(line.sku) ?? 0) * line.count
  const hash = createHash('sha256').update(order.id).digest('hex')
  ctx.log.info('charged', { total, hash })
  return { paid: total > 0, total, hash }
}
`,
  }
}

/** Two thousand lines in twenty files, all of them in the bundle, every type of them in the schemas. */
export function large(round) {
  const files = {}
  const numbers = Array.from({ length: 19 }, (_, at) => at)
  for (const file of numbers) {
    const steps = Array.from(
      { length: 14 },
      (_, step) => `
/** Step ${step}. */
export function step${step}(item: Item${file}, factor: number): Result${file} {
  const parts = item.tags.map((tag) => tag.length * factor)
  const total = parts.reduce((sum, part) => sum + part, ${round})
  return total > 1000 ? { id: item.id, total: 1000 } : { id: item.id.toUpperCase(), total: total + item.count }
}
`,
    ).join('')
    files[`lib/part${file}.ts`] = `export interface Item${file} { id: string; count: number; when: Date; tags: string[] }
export interface Result${file} { id: string; total: number }
${steps}`
  }
  const imports = numbers.map((file) => `import * as part${file} from './lib/part${file}.ts'\n`).join('')
  const members = numbers.map((file) => `  items${file}: part${file}.Item${file}[]\n`).join('')
  const calls = numbers.map((file) => `  for (const item of input.items${file}) results.push(part${file}.step${file % 14}(item, 2))\n`).join('')
  files['index.ts'] = `${imports}
interface Input {
${members}}

/** @function */
export default async function run(input: Input): Promise<{ id: string; total: number }[]> {
  const results: { id: string; total: number }[] = []
${calls}  return results
}
`
  return files
}

/** Lines of all files. */
export function countLines(files) {
  return Object.values(files).reduce((sum, text) => sum + text.split('\n').length - 1, 0)
}
