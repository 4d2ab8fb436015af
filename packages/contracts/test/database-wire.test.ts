import { decodeResult, decodeValues, encodeResult, encodeValues, PlatformError, type WireResult } from '@cordon/contracts'
import { expect } from 'chai'
import fc from 'fast-check'

function overThePipe<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

describe('the database values on the wire', () => {
  it('give dates, bytes and plain values back as pg parses them', () => {
    const when = new Date('2026-01-02T03:04:05.678Z')
    const raw = {
      fields: [
        { name: 'at', typeId: 1184 },
        { name: 'raw', typeId: 17 },
        { name: 'data', typeId: 3802 },
        { name: '__proto__', typeId: 25 },
      ],
      rows: [
        [when, Buffer.from([0, 255]), { a: [1] }, 'x'],
        [Infinity, null, null, null],
      ],
      rowCount: 2,
    }
    const { rows, rowCount } = decodeResult<Record<string, unknown>>(overThePipe(encodeResult(raw)))
    expect(rowCount).to.equal(2)
    expect(rows[0]?.['at']).to.deep.equal(when)
    expect(rows[0]?.['raw']).to.deep.equal(Buffer.from([0, 255]))
    expect(rows[0]?.['data']).to.deep.equal({ a: [1] })
    expect(Object.getOwnPropertyDescriptor(rows[0], '__proto__')?.value).to.equal('x')
    expect(rows[1]).to.include({ at: Infinity, raw: null })
  })

  it('carry every kind of parameter', () => {
    const values = [null, undefined, 'a', 1.5, Number.NaN, true, 12345678901234567890n, new Date(0), Buffer.from('hi'), ['x', [1]], { k: 1 }]
    expect(decodeValues(overThePipe(encodeValues(values)))).to.deep.equal([
      null,
      null,
      'a',
      1.5,
      'NaN',
      true,
      '12345678901234567890',
      '1970-01-01T00:00:00.000Z',
      Buffer.from('hi'),
      ['x', [1]],
      '{"k":1}',
    ])
  })

  it('refuse functions and symbols with a sentence that says what is expected', () => {
    expect(() => encodeValues([() => 1])).to.throw(TypeError, 'expected a string')
    expect(() => encodeValues([Symbol('x')])).to.throw(TypeError, 'expected a string')
  })

  it('never let hostile data through as anything but INVALID_INPUT', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), (hostile) => {
        try {
          expect(decodeValues(hostile)).to.be.an('array')
        } catch (error) {
          expect(error).to.be.instanceOf(PlatformError).with.property('code', 'INVALID_INPUT')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('round-trip any rows of plain JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.jsonValue(), { minLength: 2, maxLength: 2 })), (rows) => {
        const fields = [
          { name: 'a', typeId: 114 },
          { name: 'b', typeId: 114 },
        ]
        const wire: WireResult = overThePipe(encodeResult({ fields, rows, rowCount: rows.length }))
        const back = decodeResult<{ a: unknown; b: unknown }>(wire)
        expect(back.rows.map(({ a, b }) => [a, b])).to.deep.equal(overThePipe(rows))
      }),
    )
  })
})
