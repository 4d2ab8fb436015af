import { errorTable, PlatformError, toPlatformError } from '@cordon/contracts'
import { expect } from 'chai'

describe('PlatformError', () => {
  it('takes origin and retryable from the table for every code', () => {
    for (const [code, row] of Object.entries(errorTable)) {
      const error = new PlatformError(code as keyof typeof errorTable, 'Cannot do it: reason')
      expect(error).to.include({ code, origin: row.origin, retryable: row.retryable, name: 'PlatformError' })
      expect(error.details).to.deep.equal({})
    }
  })

  it('is recognised by instanceof when another copy of the package made it', async () => {
    const url = new URL('../dist/errors/platform-error.js', import.meta.url)
    const copy = (await import(`${url.href}?copy`)) as { PlatformError: typeof PlatformError }
    const error: unknown = new copy.PlatformError('CLOSED', 'Cannot invoke: the platform is closed')
    expect(copy.PlatformError).not.to.equal(PlatformError)
    expect(error instanceof PlatformError).to.equal(true)
  })

  it('does not recognise other values', () => {
    for (const value of [new Error('x'), null, undefined, 'PlatformError', { code: 'CLOSED' }, Object.create(null)]) {
      expect((value as unknown) instanceof PlatformError).to.equal(false)
    }
  })

  it('becomes plain data without stack and cause', () => {
    const error = new PlatformError('QUERY_FAILED', 'Cannot query: no', { details: { sqlState: '42P01' }, cause: new Error('secret') })
    expect(JSON.parse(JSON.stringify(error))).to.deep.equal({
      code: 'QUERY_FAILED',
      origin: 'function',
      retryable: false,
      message: 'Cannot query: no',
      details: { sqlState: '42P01' },
    })
  })

  it('wraps anything that was thrown and keeps it as the cause', () => {
    const reason = new Error('disk full')
    const wrapped = toPlatformError(reason, 'STORE_UNAVAILABLE', 'write the record')
    expect(wrapped).to.include({ code: 'STORE_UNAVAILABLE', message: 'Cannot write the record: disk full', cause: reason })
    expect(toPlatformError('text', 'CLOSED', 'do it').message).to.equal('Cannot do it: text')
    expect(toPlatformError(wrapped, 'CLOSED', 'do it')).to.equal(wrapped)
  })
})
