import { expect } from 'chai'
import { createStatementReader } from '../dist/shell/statements.js'

describe('statement reader', () => {
  const cases: readonly [string, string, readonly string[], string?][] = [
    ['one a line', 'a; b;', ['a', 'b']],
    ['over several lines', 'select 1,\n 2;\nselect 3', ['select 1,\n 2'], 'select 3'],
    ['text in quotes', `select 'a;b', 'it''s;', "x;""y";`, [`select 'a;b', 'it''s;', "x;""y"`]],
    ['escapes in E text', String.raw`select e'a\';b', E'\\'; next;`, [String.raw`select e'a\';b', E'\\'`, 'next']],
    ['backslashes in plain text', String.raw`select 'a\'; next;`, [String.raw`select 'a\'`, 'next']],
    ['dollar quotes', 'do $$ a; b $$; do $x$ $$; $y$ ; $x$;', ['do $$ a; b $$', 'do $x$ $$; $y$ ; $x$']],
    ['parameters and names with dollars', 'select $1; a$b$c; d$b$e;', ['select $1', 'a$b$c', 'd$b$e']],
    ['comments, also nested', '/* a; /* b; */ c; */ select 1; -- d; e\n;', ['/* a; /* b; */ c; */ select 1']],
    ['a quote that is open', "select 'a;\nb;", [], "select 'a;\nb;"],
    ['an E text that is open', "select E'a\\';", [], "select E'a\\';"],
    ['a comment that is open', 'a; /* b;\n c;', ['a']],
    ['comments that are open again', '/* a /* b\n */ c;\n */ d; e', ['/* a /* b\n */ c;\n */ d'], 'e'],
    ['escapes and doubled quotes at the end of a line', "select E'a\\\n'';b', 'c''\n;'; d", ["select E'a\\\n'';b', 'c''\n;'"], 'd'],
    ['nothing at all', ' ;; -- x\n /* y */ ;', []],
  ]
  for (const [name, text, statements, rest = ''] of cases) {
    it(`reads ${name}, in one piece and line by line`, () => {
      const whole = createStatementReader()
      expect(whole.push(text)).to.deep.equal(statements)
      const lines = createStatementReader()
      expect(text.split('\n').flatMap((line) => lines.push(line))).to.deep.equal(statements)
      expect(lines.rest()).to.equal(rest)
      lines.clear()
      expect(lines.rest()).to.equal('')
    })
  }

  it('looks at each line of a long statement once', () => {
    const reader = createStatementReader()
    const line = "(1, 'text', $$ more $$),".repeat(10)
    for (const [open, close] of [
      ['insert into t values', ''],
      ['$x$', '$x$'],
      ['/*', '*/ a'],
    ]) {
      let found = reader.push(open ?? '').length
      for (let number = 0; number < 20_000 && reader.isEmpty === (open === '/*'); number++) found += reader.push(line).length
      expect(found).to.equal(0)
      expect(reader.push(`${close};`)[0]).to.have.length.above(20_000 * line.length)
    }
  })
})
