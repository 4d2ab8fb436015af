/** Lines shown above and below the place. */
const linesAround = 2
/** Widest line of a frame in characters; a longer one is clipped around the place, as in a minified file. */
const maxWidth = 120

/** A place in a text: 1-based line and column. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The 1-based line and column of an offset. */
export function placeAt(text: string, offset: number): Place {
  const before = text.lastIndexOf('\n', offset - 1)
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return { line, column: offset - before }
}

/**
 * Shows some lines of `text` with a caret below the place. Characters that are invisible or change the direction of
 * writing are shown as `�`, so that a frame shows what the engine reads.
 */
export function codeFrame(text: string, place: Place, length = 1): string {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/)
  const first = Math.max(1, place.line - linesAround)
  const last = Math.min(lines.length, place.line + linesAround)
  const clipAt = place.column > maxWidth - 20 ? place.column - Math.floor(maxWidth / 2) : 0
  const gutter = String(last).length
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const isPlace = number === place.line
    shown.push(`${isPlace ? '>' : ' '} ${String(number).padStart(gutter)} | ${clip(lines[number - 1] ?? '', clipAt)}`.trimEnd())
    if (!isPlace) continue
    const indent = place.column - 1 - clipAt + (clipAt > 0 ? 1 : 0)
    const room = Math.max(1, (lines[number - 1] ?? '').length - place.column + 1)
    shown.push(`  ${' '.repeat(gutter)} | ${' '.repeat(Math.max(0, indent))}${'^'.repeat(Math.max(1, Math.min(length, room, maxWidth - indent)))}`)
  }
  return shown.join('\n')
}

function clip(line: string, from: number): string {
  const part = line.slice(from, from + maxWidth)
  const visible = part.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD')
  return (from > 0 && line.length > 0 ? '…' : '') + visible + (from + maxWidth < line.length ? '…' : '')
}
