import type { Executor } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import obfuscator from 'javascript-obfuscator'
import { attacks, attackSource, expectEnding, runAttacks, type Ended } from './attack-files.ts'
import { escapes, expectNothing, inFunctions, readEscapes } from './escape-files.ts'

/** What hides names and text; encodings are left out because they do not take lone surrogates. The seed makes the result the same every time. */
const options = {
  seed: 20_191_206,
  stringArray: true,
  stringArrayThreshold: 1,
  transformObjectKeys: true,
  splitStrings: true,
  splitStringsChunkLength: 4,
  unicodeEscapeSequence: true,
}

function obfuscate(source: string): string {
  return obfuscator.obfuscate(source, options).getObfuscatedCode()
}

describe('the same attacks, obfuscated', function () {
  this.timeout(180_000)
  let executor: Executor
  let ended: Map<string, Ended>

  before(async function () {
    if (process.platform !== 'linux') return this.skip()
    executor = await createExecutor({ spares: 2 })
    // In one piece: most of an obfuscator's time is its start.
    const source = obfuscate(attackSource(attacks))
    ended = await runAttacks(executor, attacks, () => source)
  })
  after(() => executor?.destroy())

  for (const attack of attacks) it(`${attack.file} is ${attack.expected}`, () => expectEnding(attack, ended.get(attack.file)))

  it('public escapes get nowhere', async () => {
    const sources = new Map([...readEscapes()].map(([file, text]) => [file, file === 'plunder.mjs' ? text : obfuscate(text)]))
    expectNothing(await inFunctions(executor, escapes, sources))
  })
})
