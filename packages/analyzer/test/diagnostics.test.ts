import { createAnalyzer } from '@cordon/analyzer'
import type { Diagnostic } from '@cordon/contracts'
import { expect } from 'chai'
import { options, upload } from './harness.ts'

describe('analyzer', () => {
  const analyzer = createAnalyzer()
  after(() => analyzer.close())

  describe('a diagnostic', () => {
    const handler = '/** @function */\nexport default async () => 1\n'

    async function found(line: string): Promise<readonly Diagnostic[]> {
      const { diagnostics } = await analyzer.analyze(upload(`${line}${handler}`), options())
      return diagnostics.filter((one) => one.rule === 'no-eval')
    }

    /** The frame with what the caret stands below. */
    async function frame(line: string): Promise<{ readonly line: number; readonly column: number; readonly shown: string; readonly caret: string }> {
      const [one] = await found(line)
      const lines = (one?.frame ?? '').split('\n')
      const at = lines.findIndex((text) => text.startsWith('>'))
      return { line: one?.line ?? 0, column: one?.column ?? 0, shown: lines[at] ?? '', caret: lines[at + 1] ?? '' }
    }

    it('says what is wrong and what to do, with the place and the lines around it', async () => {
      const [one] = await found('const a = 1\neval("1")\n')
      expect(one).to.include({ rule: 'no-eval', severity: 'error', file: 'index.ts', line: 2, column: 1 })
      expect(one?.message.split(/\. (?=[A-Z])/)).to.have.length(2)
      expect(one?.frame).to.match(
        /^ {2}1 \| const a = 1\n> 2 \| eval\("1"\)\n {4}\| \^+\n {2}3 \| \/\*\* @function \*\/\n {2}4 \| export default async \(\) => 1$/,
      )
    })

    it('points at the right column behind tabs', async () => {
      const { column, shown, caret } = await frame('\t\teval("1")\n')
      expect(column).to.equal(3)
      expect(caret.indexOf('^')).to.equal(shown.indexOf('eval'))
    })

    it('counts wide characters as two columns of a terminal and combining ones as none', async () => {
      const wide = await frame('void "漢字😀"; eval("1")\n')
      expect(wide.column).to.equal(14)
      // Three characters that take six columns, in four UTF-16 units.
      expect(wide.caret.indexOf('^')).to.equal([...wide.shown].join('').indexOf('eval') + 2)
      const combined = await frame('void "e\u0301"; eval("1")\n')
      expect(combined.caret.indexOf('^')).to.equal(combined.shown.indexOf('eval') - 1)
    })

    it('counts lines as the engine does, whatever ends them', async () => {
      for (const end of ['\n', '\r\n', '\r', '\u2028', '\u2029']) {
        const { line, column, shown } = await frame(`const a = 1${end}const b = 2${end}eval("1")\n`)
        expect([line, column, shown], JSON.stringify(end)).to.deep.equal([3, 1, '> 3 | eval("1")'])
      }
    })

    it('clips long lines around the place, between whole characters', async () => {
      for (const before of ['x'.repeat(5000), '😀'.repeat(2501)]) {
        const { column, shown, caret } = await frame(`void "${before}"; eval("1"); void "${'y'.repeat(5000)}"\n`)
        expect(column).to.equal(before.length + 10)
        expect(shown.length).to.be.lessThan(140)
        expect(shown).to.match(/^> 1 \| ….*eval\("1"\).*…$/)
        expect(shown).not.to.match(/\p{Cs}/u)
        expect(caret.indexOf('^')).to.be.lessThan(140)
      }
      const short = await frame(`${' '.repeat(115)}eval("1")\n`)
      expect(short.caret.indexOf('^')).to.equal(short.shown.indexOf('eval'))
    })

    it('is given for each place of a line', async () => {
      const all = await found('eval("1"); eval("2")\n')
      expect(all.map(({ column }) => column)).to.deep.equal([1, 12])
      expect(new Set(all.map((one) => one.frame)).size).to.equal(2)
    })

    it('is found quickly in a file of many lines', async () => {
      expect((await found(`${'\n'.repeat(300_000)}${'eval("1")\n'.repeat(250)}`)).length).to.be.at.least(100)
    })
  })

  describe('the description of a handler', () => {
    async function description(source: string): Promise<string | undefined> {
      return (await analyzer.analyze(upload(source), options())).schemas.description
    }

    it('is the text of the comment with the marker', async () => {
      expect(
        await description(
          '/**\n * Says hello.\n *\n * Twice.\n * @param input who\n * @function\n */\nexport default async (input: string) => input',
        ),
      ).to.equal('Says hello.\n\nTwice.')
      expect(await description('/**\n * Serves a page.\n * @function */\nexport default { fetch: () => new Response() }')).to.equal('Serves a page.')
      expect(await description('/** Named.\n * @function */\nconst h = async () => 1\nexport default h')).to.equal('Named.')
      expect(await description('/** @function */\nexport default async () => 1')).to.equal(undefined)
    })

    it('is short and has no controls', async () => {
      expect(await description(`/** a\0b\u001b[2J${'😀'.repeat(2000)}\n * @function */\nexport default async () => 1`)).to.equal(
        `a b [2J${'😀'.repeat(993)}`,
      )
    })
  })
})
