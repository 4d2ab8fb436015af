/** Takes SQL line by line and gives back the statements that are complete. */
export interface StatementReader {
  /** Adds a line; the statements that end in it, without their semicolons. */
  push(line: string): readonly string[]
  /** What has no semicolon yet; empty when nothing is open. */
  rest(): string
  clear(): void
}

/**
 * What a semicolon in it does not end a statement, by how it begins: quoted text and names, dollar quotes, comments
 * (PostgreSQL manual, 4.1 Lexical Structure). Sticky, so that text is read once.
 */
const opaque = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*(?:\n|$)|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[^]*?\$\1\$/y
const escapeText = /[eE]'(?:[^'\\]|\\[^]|'')*'/y
const word = /[A-Za-z_\u0080-\uffff0-9][\w$\u0080-\uffff]*/y
/** The beginning of one of the above that has no end yet. */
const begins = /['"]|\/\*|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|--/y

/** Creates a reader. */
export function createStatementReader(): StatementReader {
  let buffer = ''
  return {
    push(line) {
      buffer += `${line}\n`
      const { statements, rest } = split(buffer)
      buffer = rest
      return statements
    },
    rest: () => (isNothing(buffer) ? '' : buffer.trim()),
    clear() {
      buffer = ''
    },
  }
}

function split(text: string): { statements: string[]; rest: string } {
  const statements: string[] = []
  let from = 0
  for (let at = 0; at < text.length;) {
    const end = endOfToken(text, at)
    if (end === undefined) break
    if (text[at] === ';') {
      const statement = text.slice(from, at).trim()
      if (!isNothing(statement)) statements.push(statement)
      from = end
    }
    at = end
  }
  return { statements, rest: text.slice(from) }
}

/** Where the token that begins at `at` ends; `undefined` when that comes in a later line. */
function endOfToken(text: string, at: number): number | undefined {
  // Before words: E'…' begins like one. A word swallows its digits and dollars, so `a$1` opens no dollar quote.
  const end = match(escapeText, text, at) ?? match(word, text, at)
  if (end !== undefined) return text[end] === "'" && end === at + 1 && /e/i.test(text[at] ?? '') ? undefined : end
  if (text.startsWith('/*', at)) return endOfComment(text, at)
  return match(opaque, text, at) ?? (match(begins, text, at) === undefined ? at + 1 : undefined)
}

/** Comments nest in PostgreSQL. */
function endOfComment(text: string, start: number): number | undefined {
  let depth = 0
  const mark = /\/\*|\*\//g
  mark.lastIndex = start
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return undefined
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}

/** Only space and comments. */
function isNothing(text: string): boolean {
  for (let at = 0; at < text.length;) {
    const isComment = text.startsWith('--', at) || text.startsWith('/*', at)
    if (!isComment && !/\s/.test(text[at] ?? '')) return false
    at = (isComment ? endOfToken(text, at) : at + 1) ?? text.length
  }
  return true
}
