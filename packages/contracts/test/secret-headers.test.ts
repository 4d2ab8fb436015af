import { fillSecrets, PlatformError, resolveFunctionConfig, secretsIn } from '@cordon/contracts'
import { expect } from 'chai'

function read(secretHeaders: unknown): unknown {
  try {
    return resolveFunctionConfig({ secretHeaders }).secretHeaders
  } catch (error) {
    return error instanceof PlatformError ? error.message : error
  }
}

describe('config.secretHeaders', () => {
  it('spells hosts and names of headers in their one way, also when read again', () => {
    const once = read({ 'API.example.com:443': { Authorization: 'Bearer {KEY}', 'X-Two': '{A}:{B.c-d}' }, '*.example.org': {} })
    expect(once).to.deep.equal({ 'api.example.com': { authorization: 'Bearer {KEY}', 'x-two': '{A}:{B.c-d}' }, '*.example.org': {} })
    expect(read(once)).to.deep.equal(once)
    expect(read(undefined)).to.equal(undefined)
  })

  it('refuses what is none, and repeats no value, which may be a secret that was written there', () => {
    const headers = { authorization: '{KEY}' }
    const bad: unknown[] = [
      ...[
        'x',
        [],
        null,
        { 'api.example.com': 'sk_value' },
        { '*': headers },
        { 'https://api.example.com': headers },
        { 'a.example': headers, 'A.example': headers },
      ],
      ...['host', 'Connection', 'content-length', 'proxy-authorization', 'a b', '', 'x:y'].map((name) => ({ 'a.example': { [name]: '{KEY}' } })),
      ...[
        'sk_value',
        '',
        '{ KEY }',
        '{}',
        '{KEY',
        'KEY}',
        '{{KEY}}',
        '{KEY} {"a":1}',
        '{1A}',
        '{KEY}\r\nx: sk_value',
        '{KEY}ā',
        `{KEY}${'x'.repeat(1000)}`,
        7,
      ].map((value) => ({ 'a.example': { authorization: value } })),
      { 'a.example': { 'x-a': '{KEY}', 'X-A': '{KEY}' } },
      { 'a.example': Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, '{KEY}'])) },
    ]
    for (const one of bad)
      expect(read(one), JSON.stringify(one))
        .to.match(/^Cannot use option "config\.secretHeaders/)
        .and.not.contain('sk_value')
  })

  it('finds and fills the places of secrets', () => {
    expect(secretsIn('a {B} {C}:{B}')).to.deep.equal(['B', 'C'])
    expect(secretsIn('none')).to.equal(undefined)
    expect(fillSecrets('a {B}:{C}', (name) => `$&${name}{B}`)).to.equal('a $&B{B}:$&C{B}')
  })
})
