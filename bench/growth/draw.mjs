/** Prints the figures of a growth curve; with `--write` on the command line draws them as docs/performance/<file>.svg, too. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { describeMachine, median } from '../measure.mjs'
import { drawChart } from './chart.mjs'

const folder = new URL('../../docs/performance/', import.meta.url)

/** `series`: `[{ name, points: Map of x -> figures of the rounds }]`, drawn as medians; the rest as in `drawChart`. */
export function draw({ file, title, x, y, series }) {
  const drawn = series.map(({ name, points }) => ({ name, points: [...points].map(([step, figures]) => [step, median(figures)]) }))
  console.log(`## ${title}: ${y.label}`)
  for (const { name, points } of drawn)
    console.log(`${name.padEnd(32)} ${points.map(([step, value]) => `${step}: ${value.toPrecision(4)}`).join('   ')}`)
  if (!process.argv.includes('--write')) return
  mkdirSync(folder, { recursive: true })
  const caption = [describeMachine(), `Medians of rounds, not pinned to a core. npm run bench -- growth/${file} --write`]
  writeFileSync(new URL(`${file}.svg`, folder), drawChart({ title, x, y, series: drawn, caption }))
}

/** Series without figures. */
export function emptySeries(names) {
  return names.map((name) => ({ name, points: new Map() }))
}

/** Adds the figure of one round. */
export function add({ points }, step, figure) {
  const figures = points.get(step)
  if (figures === undefined) points.set(step, [figure])
  else figures.push(figure)
}
