import { expect } from 'chai'
import { connectionFromUrl } from '@cordon/pool'
import { PlatformError } from '@cordon/contracts'

describe('connection URL', () => {
  it('reads all parts, escapes included', () => {
    expect(connectionFromUrl('postgresql://us%40er:p%2Fw%3A@db.example:6432/my%20db')).to.deep.equal({
      host: 'db.example',
      port: 6432,
      user: 'us@er',
      password: 'p/w:',
      database: 'my db',
    })
  })

  it('fills in the port and the database', () => {
    expect(connectionFromUrl('postgres://ada@[::1]')).to.deep.equal({ host: '::1', port: 5432, user: 'ada', database: 'ada' })
  })

  it('takes the directory of a socket', () => {
    expect(connectionFromUrl('postgres://ada@/db?host=/run/postgresql')).to.include({ host: '/run/postgresql', database: 'db' })
    expect(connectionFromUrl('postgres://ada@localhost/db?host=/run/postgresql&port=6000')).to.include({ host: '/run/postgresql', port: 6000 })
  })

  it('reads sslmode as libpq does', () => {
    const tlsOf = (query: string) => connectionFromUrl(`postgres://ada@db/db?${query}`).tls
    expect(tlsOf('sslmode=disable')).to.equal(undefined)
    expect(tlsOf('sslmode=require')).to.deep.equal({ rejectUnauthorized: false, isHostNameChecked: false })
    expect(tlsOf('sslmode=verify-full&channel_binding=require')).to.deep.equal({ rejectUnauthorized: true, isHostNameChecked: true })
  })

  const wrong = [
    '',
    'mysql://a@b/c',
    'postgres://db/x',
    'postgres://a:hunter2@/db',
    'postgres://a:hunter2@db/x?sslmode=maybe',
    'postgres://a:hunter2@db/x?nonsense=1',
  ]
  wrong.push('postgres://a:hunter2%@db/x', 'postgres://a:hunter2@db/x?sslmode=verify-ca&sslrootcert=/nowhere')
  for (const url of wrong) {
    it(`refuses "${url}" without repeating the password`, () => {
      expect(() => connectionFromUrl(url))
        .to.throw(PlatformError, /^Cannot use the database URL: /)
        .that.satisfies((error: PlatformError) => error.code === 'INVALID_OPTION' && !error.message.includes('hunter2'))
    })
  }
})
