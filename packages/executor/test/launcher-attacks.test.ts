import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import type { Hardening } from '../dist/hardening/hardening.js'
import { probeLauncher } from '../dist/hardening/launcher.js'
import { flagsOnly, runBare, setOutCanaries, type Ending } from './bare-sandbox.js'

interface Attack {
  readonly file: string
  readonly expected: 'denied' | 'clean' | 'timeout' | 'memory' | 'crash'
}

const directory = new URL('../test/fixtures/attacks/', import.meta.url)
const attacks = JSON.parse(readFileSync(new URL('manifest.json', directory), 'utf8')) as Attack[]

/** What gets out when Node's own flags are all there is, by major version of Node. 100 is stopped by the watchdog of `basic`, 36 by nothing. */
const escapesFlags: Record<string, readonly string[]> = {
  '20': ['100', '102', '36', '48', '50', '52'],
  '22': ['100', '102', '36', '48', '50', '52'],
  '24': ['100', '102', '36', '48', '50', '52'],
  // The permission model of Node 25 and later knows the network.
  '26': ['100', '102', '36'],
}

/** An attack that ends like this has used up its own time, not the host's. Nothing is learned from loops that last longer. */
const deadlineMs = 2000
const loopDeadlineMs = 500
/** How many attacks run at once. */
const width = 4

describe('the attack files', function () {
  this.timeout(120_000)

  it('get nowhere behind the launcher', async function () {
    if (process.platform !== 'linux') return this.skip()
    const probe = await probeLauncher()
    if (probe.kind === 'unavailable') throw new Error(JSON.stringify(probe.missing))
    const { escaped, endings } = await runAll(probe.hardening)
    expect(escaped).to.deep.equal([])
    for (const { file, expected } of attacks) {
      const ending = endings.get(file)
      if (expected === 'crash') expect(ending?.kind, file).to.equal('ended')
      // A loop that also allocates may meet its memory limit first; an answer is what it must not give.
      if (expected === 'timeout') expect(ending?.kind, file).not.to.equal('result')
    }
  })

  it('get out where only the flags of Node stand, as far as is known', async function () {
    if (process.platform !== 'linux') return this.skip()
    const { escaped } = await runAll(flagsOnly)
    const known = escapesFlags[process.versions.node.split('.')[0] ?? '']
    if (known === undefined) return this.skip()
    // Whether these get their memory in time depends on the machine.
    expect(known).to.include.members(escaped)
    expect(escaped).to.include.members(known.filter((id) => id !== '100' && id !== '102'))
  })
})

/** Runs all attacks; an attack has escaped when a canary was touched or when it says so itself. */
async function runAll(hardening: Pick<Hardening, 'command'>): Promise<{ escaped: string[]; endings: Map<string, Ending> }> {
  const endings = new Map<string, Ending>()
  const escaped: string[] = []
  // A signal to the host does not say who sent it: the attack that sends one runs alone.
  const alone = attacks.filter(({ file }) => file.startsWith('36-'))
  const waiting = attacks.filter((attack) => !alone.includes(attack))
  process.env['HOST_CANARY'] = 'CANARY in the environment'
  async function work(waiting: Attack[]): Promise<void> {
    // Each lane has canaries of its own, so that a touch is known to be the attack's that runs there.
    await using canaries = await setOutCanaries()
    for (let attack = waiting.shift(); attack !== undefined; attack = waiting.shift()) {
      const input = { canaryPath: canaries.path, canaryWritePath: canaries.writePath, canaryPort: canaries.port, canaryPid: process.pid }
      const code = readFileSync(new URL(attack.file, directory), 'utf8')
      const call = `let answer; try { const { escaped, evidence } = await handler(${JSON.stringify(input)}, {}); answer = { escaped, evidence: String(evidence) } } catch { answer = {} }; done(answer)`
      const ending = await runBare(hardening, `${code}\n${call}`, {
        module: true,
        memoryMb: 128,
        deadlineMs: attack.expected === 'timeout' ? loopDeadlineMs : deadlineMs,
      })
      endings.set(attack.file, ending)
      const touched = canaries.touched()
      const value = ending.value as { escaped?: boolean } | undefined
      if (touched.length > 0 || value?.escaped === true) escaped.push(attack.file.split('-')[0] ?? '')
    }
  }
  try {
    await work(alone)
    await Promise.all(Array.from({ length: width }, () => work(waiting)))
  } finally {
    delete process.env['HOST_CANARY']
  }
  return { escaped: escaped.sort(), endings }
}
