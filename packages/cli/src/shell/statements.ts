/** Takes SQL line by line and gives back the statements that are complete. */
export interface StatementReader {
  /** Adds a line; the statements that end in it, without their semicolons. */
  push(line: string): readonly string[]
  /** Whether nothing is open: space and comments are nothing. */
  readonly isEmpty: boolean
  /** What has no semicolon yet; empty when nothing is open. */
  rest(): string
  clear(): void
}

/** What goes on until its end, over any number of lines; a semicolon in it ends no statement. */
type Open =
  | { readonly kind: 'quoted'; readonly mark: string }
  /** Text in which a backslash takes the next character along. */
  | { readonly kind: 'escaped' }
  | { readonly kind: 'dollar'; readonly tag: string }
  /** Comments nest in PostgreSQL. */
  | { readonly kind: 'comment'; depth: number }

/** PostgreSQL manual, 4.1 Lexical Structure. A word swallows its digits and dollars, so `a$1` opens no dollar quote. Sticky: text is read once. */
const word = /[A-Za-z_\u0080-\uffff0-9][\w$\u0080-\uffff]*/y
const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y

/** Creates a reader. Each line is looked at once, however long the statement becomes. */
export function createStatementReader(): StatementReader {
  /** The lines of the statement so far, up to the last one. */
  let pieces: string[] = []
  let open: Open | undefined
  let isEmpty = true

  /** Reads the token at `at`, or more of the one that is open; gives where it ends. */
  function read(text: string, at: number): number {
    if (open !== undefined) {
      const end = endOf(open, text, at)
      if (end === undefined) return text.length
      open = undefined
      return end
    }
    const begun = begin(text, at)
    if (begun !== undefined) {
      open = begun.open
      isEmpty &&= open.kind === 'comment'
      return begun.end
    }
    if (text.startsWith('--', at)) return text.indexOf('\n', at)
    const end = match(word, text, at) ?? at + 1
    isEmpty &&= /^\s$/.test(text.slice(at, end))
    return end
  }
  return {
    push(line) {
      const text = `${line}\n`
      const statements: string[] = []
      let from = 0
      for (let at = 0; at < text.length;) {
        if (open !== undefined || text[at] !== ';') {
          at = read(text, at)
          continue
        }
        if (!isEmpty) statements.push([...pieces, text.slice(from, at)].join('').trim())
        pieces = []
        isEmpty = true
        from = ++at
      }
      pieces.push(text.slice(from))
      return statements
    },
    get isEmpty() {
      return isEmpty
    },
    rest: () => (isEmpty ? '' : pieces.join('').trim()),
    clear() {
      pieces = []
      open = undefined
      isEmpty = true
    },
  }
}

/** What begins at `at` and goes on until its end, and where its beginning ends. */
function begin(text: string, at: number): { readonly open: Open; readonly end: number } | undefined {
  const first = text[at] ?? ''
  if (first === "'" || first === '"') return { open: { kind: 'quoted', mark: first }, end: at + 1 }
  if (/^[eE]'$/.test(text.slice(at, at + 2))) return { open: { kind: 'escaped' }, end: at + 2 }
  if (text.startsWith('/*', at)) return { open: { kind: 'comment', depth: 1 }, end: at + 2 }
  const end = match(dollarTag, text, at)
  return end === undefined ? undefined : { open: { kind: 'dollar', tag: text.slice(at, end) }, end }
}

/** Where it ends; `undefined` when that comes in a later line. */
function endOf(open: Open, text: string, from: number): number | undefined {
  switch (open.kind) {
    case 'quoted':
      return endOfQuoted(open.mark, text, from)
    case 'escaped':
      return endOfEscaped(text, from)
    case 'dollar': {
      const at = text.indexOf(open.tag, from)
      return at < 0 ? undefined : at + open.tag.length
    }
    case 'comment':
      return endOfComment(open, text, from)
  }
}

/** A doubled mark stands for itself. */
function endOfQuoted(mark: string, text: string, from: number): number | undefined {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 2)) if (text[at + 1] !== mark) return at + 1
  return undefined
}

function endOfEscaped(text: string, from: number): number | undefined {
  for (const { 0: found, index } of text.slice(from).matchAll(/\\[^]|''|'/g)) if (found === "'") return from + index + 1
  return undefined
}

function endOfComment(comment: { depth: number }, text: string, from: number): number | undefined {
  for (const { 0: found, index } of text.slice(from).matchAll(/\/\*|\*\//g)) {
    comment.depth += found === '/*' ? 1 : -1
    if (comment.depth === 0) return from + index + found.length
  }
  return undefined
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : undefined
}
