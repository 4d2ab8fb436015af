import type { Executor } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { attacks, attackSource, expectEnding, runAttacks, type Ended } from './attack-files.ts'
import { invoke, outputOf, versionOfCode } from './harness.ts'

describe('the attack files, through the executor with no analyzer before it', function () {
  this.timeout(120_000)
  let executor: Executor
  let ended: Map<string, Ended>

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    executor = await createExecutor({ spares: 2 })
    ended = await runAttacks(executor, attacks, (attack) => attackSource([attack]))
  })
  after(() => executor?.destroy())

  it('are run at level launcher', () => expect(executor.stats().sandbox.level).to.equal('launcher'))

  for (const attack of attacks) it(`${attack.file} is ${attack.expected}`, () => expectEnding(attack, ended.get(attack.file)))

  it('leave the next call alone', async () => {
    expect(outputOf(await invoke(executor, versionOfCode(`handOver({ default: () => 'fine' })`)))).to.equal('fine')
  })
})
