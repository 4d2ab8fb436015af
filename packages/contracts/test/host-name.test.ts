import { normaliseHost } from '@cordon/contracts'
import { expect } from 'chai'

describe('hosts', () => {
  const spellings: [given: string, host: string | undefined][] = [
    ['api.example.com', 'api.example.com'],
    ['API.Example.COM.', 'api.example.com'],
    ['api.example.com:80', 'api.example.com'],
    ['api.example.com:443', 'api.example.com'],
    ['api.example.com.:8443', 'api.example.com:8443'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['[::1]:8080', '[::1]:8080'],
    ['2130706433', '127.0.0.1'],
    ['*.example.com', '*.example.com'],
    ['*', '*'],
    ['', undefined],
    ['*.', undefined],
    ['*.127.0.0.1', undefined],
    ['*.[::1]', undefined],
    ['*.*.example.com', undefined],
    ['a*.example.com', undefined],
    ['https://example.com', undefined],
    ['example.com/path', undefined],
    ['user@example.com', undefined],
    ['example.com:99999', undefined],
    ['exa mple.com', undefined],
    ['%65xample.com', undefined],
    ['example.com\\@evil.example', undefined],
    ['a\0b', undefined],
    [`${'a'.repeat(300)}.example`, undefined],
  ]
  for (const [given, host] of spellings) {
    it(`${host === undefined ? 'refuses' : 'spells'} ${JSON.stringify(given.slice(0, 40))}${host === undefined ? '' : ` ${host}`}`, () =>
      expect(normaliseHost(given)).to.equal(host))
  }
})
