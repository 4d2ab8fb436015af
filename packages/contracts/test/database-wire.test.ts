import { decodeResult, decodeValues, encodeResult, encodeValues, PlatformError } from '@cordon/contracts'
import { expect } from 'chai'
import fc from 'fast-check'

function overThePipe<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

describe('the database values on the wire', () => {
  const types: readonly (readonly [type: number, text: string | null, value: unknown])[] = [
    [25, null, null],
    [25, 'text', 'text'],
    [16, 't', true],
    [16, 'f', false],
    [23, '-7', -7],
    [20, '9007199254740993', '9007199254740993'],
    [1700, '0.10', '0.10'],
    [701, '1e-10', 1e-10],
    [701, 'NaN', Number.NaN],
    [700, '-Infinity', -Infinity],
    [17, '\\x00ff', Buffer.from([0, 255])],
    [114, '{"a":[1]}', { a: [1] }],
    [3802, 'null', null],
    [1184, '2026-01-02 03:04:05.678+00', new Date('2026-01-02T03:04:05.678Z')],
    [1184, '2026-01-02 03:04:05.678901+05:30', new Date('2026-01-01T21:34:05.678Z')],
    [1184, '2026-01-02 03:04:05-08', new Date('2026-01-02T11:04:05Z')],
    [1114, '2026-01-02 03:04:05', new Date('2026-01-02T03:04:05Z')],
    [1082, '2026-01-02', new Date('2026-01-02T00:00:00Z')],
    [1082, '0044-03-15 BC', new Date('-000043-03-15T00:00:00Z')],
    [1082, '12026-01-02', new Date('+012026-01-02T00:00:00Z')],
    [1082, '0033-04-03', new Date('0033-04-03T00:00:00Z')],
    [1184, 'infinity', Infinity],
    [1082, '-infinity', -Infinity],
    [1082, '02.01.2026', '02.01.2026'],
    [1082, '5874897-12-31', '5874897-12-31'],
    [1186, '1 day 02:00:00', '1 day 02:00:00'],
    [2950, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    [600, '(1,2)', '(1,2)'],
    [1007, '{1,NULL,3}', [1, null, 3]],
    [1007, '{}', []],
    [1007, '[0:1]={1,2}', [1, 2]],
    [
      1007,
      '{{1,2},{3,4}}',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [1009, '{a,"b,c","d\\"e","NULL",NULL,"","{}"}', ['a', 'b,c', 'd"e', 'NULL', null, '', '{}']],
    [1001, '{"\\\\x00ff"}', [Buffer.from([0, 255])]],
    [1185, '{"2026-01-02 03:04:05+00"}', [new Date('2026-01-02T03:04:05Z')]],
    [3807, '{"{\\"a\\": 1}"}', [{ a: 1 }]],
    [1016, '{9007199254740993}', ['9007199254740993']],
  ]

  it('are read by their type', () => {
    for (const [typeId, text, value] of types) {
      const raw = { fields: [{ name: 'value', typeId }], rows: [[text]], rowCount: 1 }
      expect(decodeResult(overThePipe(encodeResult(raw))).rows, `${typeId} ${text}`).to.deep.equal([{ value }])
    }
  })

  it('keep columns with the names of inherited things', () => {
    const names = ['__proto__', 'constructor', 'toString']
    const fields = names.map((name) => ({ name, typeId: 25 }))
    const { rows } = decodeResult<Record<string, unknown>>(overThePipe(encodeResult({ fields, rows: [['a', 'b', 'c']], rowCount: 1 })))
    expect(names.map((name) => Object.getOwnPropertyDescriptor(rows[0], name)?.value)).to.deep.equal(['a', 'b', 'c'])
    expect(Object.getPrototypeOf(rows[0])).to.equal(Object.prototype)
  })

  it('carry every kind of parameter', () => {
    const values = [
      null,
      undefined,
      'a',
      1.5,
      Number.NaN,
      true,
      12345678901234567890n,
      new Date(0),
      Buffer.from('hi'),
      ['x', [1]],
      { k: 1 },
      { toPostgres: () => 'x' },
    ]
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
      '{}',
    ])
  })

  it('refuse functions and symbols with a sentence that says what is expected', () => {
    expect(() => encodeValues([() => 1])).to.throw(TypeError, 'expected a string')
    expect(() => encodeValues([Symbol('x')])).to.throw(TypeError, 'expected a string')
  })

  it('refuse what JSON would make nothing of', () => {
    for (const value of [Promise.resolve(1), new Map([[1, 2]]), new Set([1]), new Float64Array(2), new ArrayBuffer(2)]) {
      expect(() => encodeValues([value])).to.throw(TypeError, 'as a query parameter')
    }
    expect(() => encodeValues([new Date(Number.NaN)])).to.throw(TypeError, 'invalid')
  })

  it('write dates of every year as PostgreSQL reads them', () => {
    const dates = ['+012026-01-02T03:04:05.678Z', '0000-01-01T00:00:00.000Z', '-000043-03-15T00:00:00.000Z'].map((text) => new Date(text))
    expect(decodeValues(overThePipe(encodeValues(dates)))).to.deep.equal([
      '12026-01-02T03:04:05.678Z',
      '0001-01-01T00:00:00.000Z BC',
      '0044-03-15T00:00:00.000Z BC',
    ])
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

  it('round-trip any JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const raw = { fields: [{ name: 'a', typeId: 114 }], rows: values.map((value) => [JSON.stringify(value)]), rowCount: values.length }
        const back = decodeResult<{ a: unknown }>(overThePipe(encodeResult(raw)))
        expect(back.rows.map(({ a }) => a)).to.deep.equal(overThePipe(values))
      }),
    )
  })
})
