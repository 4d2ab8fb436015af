/** Line charts as SVG text: readable in light and dark, without any library. */

const width = 760
const height = 440
const plot = { left: 76, right: 736, top: 84, bottom: 346 }
/** The background is drawn too: text stays readable when the page's scheme and the reader's differ. Colours that also differ in brightness. */
const schemes = {
  light: { back: '#ffffff', text: '#1f2328', grid: '#d8dee4', series: ['#0550ae', '#bc4c00', '#1a7f37', '#8250df'] },
  dark: { back: '#0d1117', text: '#e6edf3', grid: '#30363d', series: ['#79c0ff', '#ffa657', '#7ee787', '#d2a8ff'] },
}
// Plain classes, not custom properties: several viewers of SVG files do not know those.
const style = `
text { font: 13px system-ui, sans-serif }
.title { font-size: 16px; font-weight: 600 }
.caption { font-size: 11px }
.line { fill: none; stroke-width: 2.5 }
${colours(schemes.light)}
@media (prefers-color-scheme: dark) { ${colours(schemes.dark)} }
`
/** Beside the colour, for those who do not see it. */
const dashes = ['', '7 4', '2 4', '10 3 2 3']

function colours({ back, text, grid, series }) {
  const lines = series.map((colour, index) => `.line.s${index} { stroke: ${colour} } .dot.s${index} { fill: ${colour} }`)
  return `.back { fill: ${back} } text { fill: ${text} } .grid { stroke: ${grid} } ${lines.join(' ')}`
}

/**
 * Draws `series` (`[{ name, points: [[x, y], …] }]`, at most four). `x` and `y` are `{ label, isLog }`; labels carry the unit. An axis
 * that is not logarithmic starts at 0. `caption`: where the figures come from, one line each.
 */
export function drawChart({ title, x, y, series, caption }) {
  const points = series.flatMap(({ points }) => points)
  const toX = scale(
    points.map(([value]) => value),
    x.isLog,
    plot.left,
    plot.right,
  )
  const toY = scale(
    points.map(([, value]) => value),
    y.isLog,
    plot.bottom,
    plot.top,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
<style>${style}</style>
<rect width="${width}" height="${height}" class="back"/>
${text(plot.left, 26, title, 'class="title"')}
${legend(series)}
${toX.ticks.map((value) => `<line class="grid" x1="${toX.at(value)}" y1="${plot.top}" x2="${toX.at(value)}" y2="${plot.bottom}"/>${text(toX.at(value), plot.bottom + 18, shown(value), 'text-anchor="middle"')}`).join('\n')}
${toY.ticks.map((value) => `<line class="grid" x1="${plot.left}" y1="${toY.at(value)}" x2="${plot.right}" y2="${toY.at(value)}"/>${text(plot.left - 8, toY.at(value) + 4, shown(value), 'text-anchor="end"')}`).join('\n')}
${text((plot.left + plot.right) / 2, plot.bottom + 40, x.label, 'text-anchor="middle"')}
${text(0, 0, y.label, `text-anchor="middle" transform="translate(18 ${(plot.top + plot.bottom) / 2}) rotate(-90)"`)}
${series
  .map(({ points }, index) =>
    drawSeries(
      points.map(([a, b]) => [toX.at(a), toY.at(b)]),
      index,
    ),
  )
  .join('\n')}
${caption.map((line, index) => text(plot.left, plot.bottom + 64 + 15 * index, line, 'class="caption"')).join('\n')}
</svg>
`
}

function legend(series) {
  const step = (width - 20) / series.length
  return series
    .map(({ name }, index) => {
      const from = 18 + index * step
      return `${path(
        [
          [from, 52],
          [from + 28, 52],
        ],
        index,
      )}${text(from + 34, 56, name)}`
    })
    .join('\n')
}

function drawSeries(points, index) {
  return path(points, index) + points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" class="dot s${index}"/>`).join('')
}

function path(points, index) {
  const dash = dashes[index] === '' ? '' : ` stroke-dasharray="${dashes[index]}"`
  return `<path class="line s${index}"${dash} d="M${points.map((point) => point.join(' ')).join('L')}"/>`
}

function text(x, y, content, attributes = '') {
  return `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`
}

/** Maps values to positions from `from` to `to`, and says where the grid lines are. */
function scale(values, isLog, from, to) {
  const round = (value) => Math.round(value * 10) / 10
  if (!isLog) {
    const step = niceStep(Math.max(...values) / 5)
    const count = Math.ceil(Math.max(...values) / step)
    const ticks = Array.from({ length: count + 1 }, (_, index) => index * step)
    return { ticks, at: (value) => round(from + ((to - from) * value) / (count * step)) }
  }
  const low = Math.log10(Math.min(...values))
  const high = Math.log10(Math.max(...values))
  // Whole decades as far as they hold the values; their halves would be more ink than help.
  const ticks = []
  for (let decade = Math.floor(low); decade <= Math.ceil(high); decade++) for (const part of [1, 2, 5]) ticks.push(part * 10 ** decade)
  const inside = ticks.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9)
  const decades = inside.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6))
  const at = (value) => round(from + ((to - from) * (Math.log10(value) - low)) / Math.max(high - low, 1e-9))
  return { ticks: decades.length >= 4 ? decades : inside, at }
}

function niceStep(least) {
  const decade = 10 ** Math.floor(Math.log10(least))
  return [1, 2, 2.5, 5, 10].map((part) => part * decade).find((step) => step >= least) ?? least
}

/** 10 000 and more in thousands and millions. */
function shown(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`
  return String(Number(value.toPrecision(3)))
}

function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
