/** Lines shown above and below the place. */
const linesAround = 2
/** Widest line of a frame in characters; a longer one is clipped around the place, as in a minified file. */
const maxWidth = 120
/** Characters of a clipped line that stand before the place. */
const widthBefore = 60

/** What ends a line in JavaScript, as the compiler and the engine count them (ECMAScript, section 12.3). */
const lineEnd = /\r\n|[\n\r\u2028\u2029]/g
/** Characters that take two columns of a terminal: those of East Asian scripts and emoji (after Unicode's annex 11). */
const wide = /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303F\uFF01-\uFF60\uFFE0-\uFFE6]/u
/** Characters that combine with the one before. */
const combining = /\p{M}/u

/** A place in a text: 1-based line and column. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The 1-based line and column of an offset. A column counts UTF-16 units, as editors do. */
export function placeAt(text: string, offset: number): Place {
  const starts = lineStarts(text)
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
}

/**
 * Shows some lines of `text` with a caret below the place. Characters that are invisible or change the direction of
 * writing are shown as `�`, so that a frame shows what the engine reads.
 */
export function codeFrame(text: string, place: Place, length = 1): string {
  const starts = lineStarts(text)
  const first = Math.max(1, place.line - linesAround)
  const last = Math.min(starts.length, place.line + linesAround)
  const gutter = String(last).length
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const line = lineAt(text, starts, number)
    const from = place.column > maxWidth ? place.column - 1 - widthBefore : 0
    const isPlace = number === place.line
    shown.push(`${isPlace ? '>' : ' '} ${String(number).padStart(gutter)} | ${clip(line, from)}`.trimEnd())
    if (isPlace) shown.push(`  ${' '.repeat(gutter)} | ${caret(line, { from, at: place.column - 1, length })}`)
  }
  return shown.join('\n')
}

/** The last text that was split, as one file usually has several findings. */
let split: { readonly text: string; readonly starts: readonly number[] } = { text: '', starts: [0] }

function lineStarts(text: string): readonly number[] {
  if (split.text !== text) split = { text, starts: [0, ...Array.from(text.matchAll(lineEnd), (end) => end.index + end[0].length)] }
  return split.starts
}

function lineAt(text: string, starts: readonly number[], number: number): string {
  return text.slice(starts[number - 1], starts[number]).replace(lineEnd, '')
}

function clip(line: string, from: number): string {
  return (from > 0 && line.length > 0 ? '…' : '') + visible(line.slice(from, from + maxWidth)) + (from + maxWidth < line.length ? '…' : '')
}

/** Spaces as wide as what stands before the place, then carets as wide as the place. */
function caret(line: string, { from, at, length }: { from: number; at: number; length: number }): string {
  const until = Math.min(from + maxWidth, Math.max(at + 1, Math.min(at + length, line.length)))
  const indent = widthOf(visible(line.slice(from, at))) + (from > 0 ? 1 : 0)
  return ' '.repeat(indent) + '^'.repeat(Math.max(1, widthOf(visible(line.slice(at, until)))))
}

/** One column a character but for wide and combining ones; half of a pair at the edge of a clipped line counts as one. */
function visible(part: string): string {
  return part.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\uFFFD')
}

function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += combining.test(character) ? 0 : wide.test(character) ? 2 : 1
  return width
}
