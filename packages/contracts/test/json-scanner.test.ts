import { JsonScanner } from '@cordon/contracts'
import { expect } from 'chai'
import fc from 'fast-check'

const maxDepth = 200

/** What the scanner says of text that comes in pieces of `size` bytes. */
function accepts(text: string, size = Infinity): boolean {
  const bytes = Buffer.from(text)
  const scanner = new JsonScanner(maxDepth)
  for (let at = 0; at < bytes.length; at += size) if (!scanner.push(bytes.subarray(at, at + size))) return false
  return scanner.end()
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the scanner of JSON', () => {
  const doubtful = [
    ...[
      '',
      ' ',
      'nul',
      'nulll',
      'truefalse',
      '1 2',
      '01',
      '-',
      '-0',
      '-01',
      '1.',
      '.5',
      '1.5e',
      '1e+',
      '1E-07',
      '0e0',
      '0x1',
      '+1',
      '1.2.3',
      'NaN',
      '1,',
    ],
    ...[
      '[',
      ']',
      '[]',
      '[,]',
      '[1,]',
      '[1 2]',
      '[1,2',
      '{',
      '{}',
      '{,}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{"a":1 "b":2}',
      '{a:1}',
      '{1:2}',
      '[}',
      '{]',
    ],
    ...[
      '"',
      '"a',
      '"\\',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\\u12aF"',
      '"\n"',
      '"\t"',
      '"\u007f"',
      '"é\u2028"',
      "'a'",
      '{"a":[{"b":null}]}',
      ' [ 1 , "x" ] \r\n\t',
    ],
    ...['\u00a01', '\ufeff1', '1\0', '/**/1', '[1]//', '{"__proto__":1,"__proto__":2}'],
  ]
  for (const text of doubtful) {
    it(`agrees with JSON.parse about ${JSON.stringify(text)}`, () => {
      for (const size of [Infinity, 1, 2]) expect(accepts(text, size), `pieces of ${size}`).to.equal(parses(text))
    })
  }

  it('takes everything that JSON.stringify writes, in pieces of any size', () => {
    fc.assert(fc.property(fc.json(), fc.nat({ max: 20 }), (text, size) => accepts(text, size + 1)))
  })

  it('agrees with JSON.parse about text with a few bytes changed', () => {
    const change = fc.record({
      at: fc.nat(),
      text: fc.constantFrom('', '"', '\\', '[', ']', '{', '}', ',', ':', '0', '-', '.', 'e', ' ', 'u', 't', '\n'),
    })
    const changed = fc.tuple(fc.json(), fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) => {
      let result = text
      for (const { at, text: insert } of changes) {
        const index = at % (result.length + 1)
        result = result.slice(0, index) + insert + result.slice(index + (at % 2))
      }
      return result
    })
    fc.assert(
      fc.property(changed, (text) => accepts(text) === parses(text)),
      { numRuns: 20_000 },
    )
  })

  it('takes as many levels as it may, and says where the first wrong byte is', () => {
    expect(accepts('['.repeat(maxDepth) + ']'.repeat(maxDepth))).to.equal(true)
    const deep = new JsonScanner(maxDepth)
    expect(deep.push(Buffer.from('['.repeat(maxDepth + 1)))).to.equal(false)
    expect(deep.failure).to.equal('it is nested deeper than 200 levels')
    for (const [maxKeys, isTaken] of [
      [2, true],
      [1, false],
    ] as const) {
      expect(new JsonScanner(maxDepth, maxKeys).push(Buffer.from('[{"a":1},{"b":":"}]'))).to.equal(isTaken)
    }
    const wrong = new JsonScanner(maxDepth)
    expect([wrong.push(Buffer.from('[1,')), wrong.push(Buffer.from(' x]'))]).to.deep.equal([true, false])
    expect(wrong.failure).to.equal('it is not JSON at byte 4')
    expect(wrong.push(Buffer.from(']'))).to.equal(false)
  })
})
