import { expect } from 'chai'
import type { SandboxReport } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { createBasicHardening } from '../dist/hardening/basic.js'
import { attacks, attackSource, runAttacks } from './attack-files.ts'
import { escapes, inBareSandboxes } from './escape-files.ts'

const major = Number(process.versions.node.split('.')[0])
/** From 25 on the permission model of Node knows the network. */
const hasNetworkPermission = major >= 25
/** What gets out where nothing but Node stands, by the words of the report that say so. */
const known: Record<string, readonly string[]> = {
  'system calls': ['host-facts'],
  network: [
    'tcp-connect',
    'tcp-connect-mapped',
    'tcp-listen',
    'http-request',
    'http2-session',
    'tls-connect',
    'undici-fetch',
    'udp-send',
    'dns-query',
    'unix-socket-listen',
    'unix-socket-abstract',
  ],
  'signals to the host': ['kill-the-host', 'debug-the-host'],
}
/** All of them get out when they have the time for it, also on a machine under heavy load. */
const patientMs = 15_000
/** These depend on what else runs on the machine; the last one would slow this test down for good. */
const uncertain = new Set(['kill-the-group', 'unix-socket-connect', 'http-socket-path', 'pipe-wrap-binding', 'priorities'])

describe('the level basic', function () {
  this.timeout(120_000)
  let report: SandboxReport

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    report = (await createBasicHardening()).report()
  })

  it('says what its self-check saw', () => {
    const missing = report.missing.map(({ what }) => what)
    expect(report.enforced).to.include.members(['files', 'child processes', 'threads', 'add-ons'])
    expect(missing).to.include('system calls')
    expect(missing.includes('network')).to.equal(!hasNetworkPermission)
    expect(missing.includes('signals to the host')).to.equal(!report.enforced.includes('signals to the host'))
    for (const what of missing) expect(report.enforced).not.to.include(what)
  })

  it('lets no attack file touch the host from a function', async () => {
    const executor = await createExecutor({ hardening: 'basic', spares: 2 })
    const quick = attacks.filter(({ file, expected }) => expected === 'denied' && !file.startsWith('36-'))
    const ended = await runAttacks(executor, quick, (attack) => attackSource([attack]))
    await executor.destroy()
    expect([...ended].filter(([, { touched }]) => touched.length > 0)).to.deep.equal([])
  })

  it('lets these escape from code that got around the runtime, and no others', async () => {
    const tried = escapes.filter(({ file, name }) => file === 'permissions.mjs' && !uncertain.has(name))
    const { evidence } = await inBareSandboxes(await createBasicHardening(), tried, patientMs)
    // A signal does not say who sent it: the one that did says so itself.
    const escaped = new Set(evidence.filter(([, what]) => what !== 'the host was signalled').map(([name]) => name))
    const expected = report.missing.flatMap(({ what }) => known[what] ?? [])
    expect([...escaped]).to.have.members(expected)
  })
})
