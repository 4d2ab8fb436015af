import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { createPlatform, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { fixture, runCordon, type Run } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

/** Each with what it says on standard input. */
const session: readonly (readonly [args: readonly string[], input?: string])[] = [
  [['deploy', fixture('greet.ts'), '--yes']],
  [['secrets', 'set', 'KEY'], 's3cret'],
  [['list']],
  [['invoke', 'greet', '{"name":"Ada"}']],
  [['logs', 'greet']],
  [['invoke', 'absent', '--json']],
  [['delete', 'greet']],
]

describe('the same commands', () => {
  let folder: string
  let platform: Platform
  let server: RunningServer

  before(async () => {
    folder = await temporaryFolder('cordon-both-')
    platform = await createPlatform({ dataDir: join(folder, 'served') })
    server = await serve(platform, { port: 0 })
  })
  after(async () => {
    await server.close()
    await platform.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function run(place: readonly string[]): Promise<Run[]> {
    const runs: Run[] = []
    for (const [args, input] of session)
      runs.push(withoutTimes(await runCordon([...args, ...place], { cwd: tmpdir(), ...(input === undefined ? {} : { input }) })))
    return runs
  }

  it('say the same of a platform elsewhere and of one in a directory that nobody serves', async function () {
    this.timeout(120_000)
    const embedded = join(folder, 'embedded')
    await mkdir(embedded, { mode: 0o711 })
    // The host that wrote this was killed.
    await writeFile(join(embedded, 'host.json'), JSON.stringify({ pid: process.pid, url: 'http://127.0.0.1:9', token: 'x' }))
    const [elsewhere, here] = await Promise.all([run(['--url', server.url, '--token', server.token]), run(['--data-dir', embedded])])
    expect(here).to.deep.equal(elsewhere)
    expect(here.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0, 0, 1, 0])
    expect(here[3]?.stdout).to.contain('Hello Ada')
    expect(here[4]?.stdout).to.contain('greeting Ada')
  })
})

function withoutTimes({ code, stdout, stderr }: Run): Run {
  const hide = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d\.\d{3}|(?<="\w+At":)\d+/g, 'TIME')
  return { code, stdout: hide(stdout), stderr: hide(stderr) }
}
