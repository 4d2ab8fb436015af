/** Characters of a statement that a span has. */
const maxLength = 1000

/**
 * What may hold values, or quotes that are none: comments, texts (with escapes after `E`, between dollars), quoted names, numbers. Everything is matched, so that
 * a quote inside one of them does not begin another.
 */
const tokens =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\b[eE]'(?:[^'\\]|''|\\[\s\S])*'?|'(?:[^']|'')*'?|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|"(?:[^"]|"")*"?|(?<![\w$])\d[\w.]*/g

/** The text of a statement without the values that are written into it. Those that are passed beside it are not in it anyway. */
export function queryText(text: string): string {
  const start = text.slice(0, maxLength)
  // Comments within comments would take counting.
  if (/\/\*(?:(?!\*\/)[\s\S])*\/\*/.test(start)) return '?'
  return start
    .replaceAll(tokens, (token: string) => (token.startsWith('"') ? token : token.startsWith('--') || token.startsWith('/*') ? ' ' : '?'))
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** What a span is named after: names that the authors of functions made up would be as many as they like. */
const operations = new Set(
  'SELECT INSERT UPDATE DELETE MERGE WITH VALUES TABLE CREATE ALTER DROP TRUNCATE COMMENT GRANT REVOKE CALL DO EXPLAIN ANALYZE SET SHOW LOCK COPY REFRESH BEGIN COMMIT ROLLBACK'.split(
    ' ',
  ),
)

/** What a statement does: its first word, where that is one of SQL. */
export function operationOf(text: string): string {
  const word = /^\s*([A-Za-z]{1,20})\b/.exec(text.slice(0, maxLength))?.[1]?.toUpperCase()
  return word !== undefined && operations.has(word) ? word : 'QUERY'
}
