import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { runCordon, startCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon test', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await temporaryFolder('cordon-test-')
    await mkdir(join(folder, 'lib', 'node_modules'), { recursive: true })
    await writeFile(
      join(folder, 'price.ts'),
      'export enum Unit { Cent = 1 }\n\nexport function price(count: number): number {\n  if (count < 0) throw new RangeError("negative")\n  return count * Unit.Cent\n}\n',
    )
    await writeFile(
      join(folder, 'price.test.ts'),
      [
        "import assert from 'node:assert/strict'",
        "import { test } from 'node:test'",
        "import { price } from './price.js'",
        "import { factor } from './lib'",
        'interface Case { count: number }',
        "test('adds up', () => { const one: Case = { count: 2 * factor }; assert.equal(price(one.count), 2) })",
        "test('fails', () => { price(-1) })",
        "test('knows where it is', () => { assert.match(import.meta.url, /price\\.test\\.ts$/) })",
        '',
      ].join('\n'),
    )
    await writeFile(join(folder, 'lib', 'index.ts'), 'export const factor: number = 1\n')
    await writeFile(join(folder, 'lib', 'plain.test.mjs'), "import { test } from 'node:test'\ntest('plain', () => {})\n")
    await writeFile(join(folder, 'lib', 'node_modules', 'other.test.js'), 'throw new Error("not mine")\n')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('runs TypeScript and JavaScript, and shows failures at their place with exit code 1', async () => {
    const { code, stdout } = await runCordon(['test'], { cwd: folder })
    expect(code).to.equal(1)
    expect(stdout)
      .to.match(/✔ adds up/)
      .and.to.match(/✖ fails/)
      .and.to.match(/✔ plain/)
      .and.to.match(/✔ knows where it is/)
    expect(stdout)
      .to.match(/RangeError.*: negative\n +at price \(.*price\.ts:4:\d+\)\n.*price\.test\.ts:7:/)
      .and.not.to.contain('not mine')
  })

  it('takes files, folders, a name pattern and options of Node', async () => {
    const runs = await Promise.all(
      [
        ['lib'],
        ['price.test.ts', '-t', 'adds'],
        ['lib', '--', '--test-reporter=tap'],
        ['absent'],
        ['lib/node_modules/..', 'price.ts', '-t', 'x'],
      ].map((args) => runCordon(['test', ...args], { cwd: folder })),
    )
    expect(runs.map(({ code }) => code)).to.deep.equal([0, 0, 0, 2, 0])
    expect(runs[2]?.stdout).to.match(/^TAP version 13/)
  })

  it('runs them again after a change, until Ctrl-C', async () => {
    const watching = startCordon(['test', 'lib', '--watch'], { cwd: folder })
    await watching.line(/✔ plain/)
    await watching.line(/^Watching/)
    await writeFile(join(folder, 'lib', 'plain.test.mjs'), "import { test } from 'node:test'\ntest('changed', () => {})\n")
    await watching.line(/✔ changed/)
    await watching.line(/^Watching/)
    expect(await watching.stop('SIGINT')).to.equal(0)
  })

  it('ends with its tests when it is told to', async () => {
    await writeFile(
      join(folder, 'hangs.test.mjs'),
      "import { test } from 'node:test'\ntest('hangs', () => { console.log('begun'); return new Promise(() => setInterval(() => {}, 1000)) })\n",
    )
    const running = startCordon(['test', 'hangs.test.mjs', '--', '--test-reporter=tap'], { cwd: folder })
    await running.line(/begun/)
    expect(await running.stop('SIGTERM')).to.equal(130)
  })
})
