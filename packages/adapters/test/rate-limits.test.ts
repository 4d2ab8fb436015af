import { expect } from 'chai'
import { clientAddressOf, networkOf } from '../dist/guard/client-address.js'
import { Counter } from '../dist/guard/counter.js'

describe('what limits of requests count', () => {
  it('reads addresses from the end of what proxies wrote', () => {
    const of = (forwardedFor: string | null, trustProxy: number, socketAddress: string | undefined = '10.0.0.1') =>
      clientAddressOf({ forwardedFor, socketAddress, trustProxy })
    expect(of('1.1.1.1, 2.2.2.2', 0)).to.equal('10.0.0.1')
    expect(of('1.1.1.1, 2.2.2.2', 1)).to.equal('2.2.2.2')
    expect(of('1.1.1.1, 2.2.2.2', 2)).to.equal('1.1.1.1')
    expect(of('1.1.1.1', 5)).to.equal('1.1.1.1')
    expect(of('1.1.1.1, 2.2.2.2:443', 1)).to.equal('2.2.2.2')
    expect(of('[2001:db8::1]:443', 1)).to.equal('2001:db8::1')
    for (const text of ['', 'unknown', ', ,', '<script>', '1.1.1.1,']) expect(of(text, 1), text).to.equal('10.0.0.1')
    expect(of(null, 1)).to.equal('10.0.0.1')
    expect(of('1.1.1.1', 1, undefined)).to.equal('1.1.1.1')
    expect(of(`${'1.1.1.1,'.repeat(5000)}2.2.2.2`, 1)).to.equal('2.2.2.2')
  })

  it('takes the addresses of one network of IPv6 for one client', () => {
    const networks = ['::ffff:1.2.3.4', '1.2.3.4', '2001:DB8::1', '2001:db8:0:0:9::', 'fe80::1%eth0', '::1', '2001:db8:1:2:3:4:5:6', 'nonsense']
    expect(networks.map(networkOf)).to.deep.equal([
      '1.2.3.4',
      '1.2.3.4',
      '2001:db8:0:0::/64',
      '2001:db8:0:0::/64',
      'fe80:0:0:0::/64',
      '0:0:0:0::/64',
      '2001:db8:1:2::/64',
      'nonsense',
    ])
  })

  it('remembers only so many keys, and not those that were idle for the longest', async () => {
    const counter = new Counter({ limit: 2, windowMs: 60_000, maxKeys: 100 })
    const busy: number[] = []
    for (let index = 0; index < 1000; index++) {
      busy.push((await counter.count('busy')).remaining)
      await counter.count(`key ${index}`)
    }
    expect(busy.slice(0, 4)).to.deep.equal([1, 0, 0, 0])
    expect((await counter.count('busy')).isAllowed).to.equal(false)
    expect((await counter.count('key 999')).remaining).to.equal(0)
    expect((await counter.count('key 1')).remaining).to.equal(1)
  })
})
