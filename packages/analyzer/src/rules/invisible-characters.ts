import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import type { Rule } from './rule.ts'

/** Marks that change the direction of the text around them: what is shown is not what runs (CVE-2021-42574). */
const direction = /[\u202A-\u202E\u2066-\u2069]/g
/** Characters without a shape. Inside strings they have their uses (emoji are joined by one); in names they make two look alike. */
const invisible = /\u034F|\u17B4|\u17B5|[\u00AD\u061C\u115F\u1160\u180E\u200B-\u200F\u2060-\u2064\u3164\uFEFF\uFFA0]/g

/** What is shown is what runs. */
export const invisibleCharacters: Rule = {
  id: 'invisible-characters',
  severity: 'error',
  summary: 'No marks that change the direction of the text, no invisible characters outside of strings, no escapes in names.',
  check({ source, report }) {
    for (const found of source.text.matchAll(direction)) {
      report(
        { start: found.index, length: 1 },
        `An invisible character (${codePoint(found[0])}) changes the direction of the text, so that it reads differently from what runs. Remove it, or write it as an escape.`,
      )
    }
    const words = wordRanges(source)
    for (const found of source.text.matchAll(invisible)) {
      if (found.index === 0 || words.some(([start, end]) => found.index >= start && found.index < end)) continue
      report({ start: found.index, length: 1 }, `There is an invisible character (${codePoint(found[0])}) in the code. Remove it.`)
    }
    for (const name of source.nodesOf(ts.SyntaxKind.Identifier)) {
      const written = source.text.slice(name.getStart(source.ast), name.end)
      if (written.includes('\\')) report(name, 'A name is written with escapes, which hides what it is. Write the letters.')
    }
  },
}

/** Where words of people stand: strings, templates, JSX text, regular expressions, comments. */
function wordRanges(source: SourceText): [number, number][] {
  const kinds = ts.SyntaxKind
  const nodes = source.nodesOf(
    kinds.StringLiteral,
    kinds.NoSubstitutionTemplateLiteral,
    kinds.TemplateHead,
    kinds.TemplateMiddle,
    kinds.TemplateTail,
    kinds.JsxText,
    kinds.RegularExpressionLiteral,
  )
  const comments = [...source.text.matchAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g)].map((one): [number, number] => [one.index, one.index + one[0].length])
  return [...nodes.map((one): [number, number] => [one.getStart(source.ast), one.end]), ...comments]
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
