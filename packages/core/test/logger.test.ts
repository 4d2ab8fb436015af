import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createScratch } from './support/scratch.ts'

describe('the logger of a platform', function () {
  this.timeout(60_000)

  it('writes JSON lines without secrets on stderr, and neither waits for who reads them nor needs him', async () => {
    const { path, remove } = await createScratch()
    const program = fileURLToPath(new URL('../test/fixtures/logging-host.mjs', import.meta.url))
    const child = spawn(process.execPath, [program, join(path, 'data')], { stdio: ['pipe', 'pipe', 'pipe'] })
    try {
      const exit = once(child, 'exit')
      const said = createInterface(child.stdout)[Symbol.asyncIterator]()
      // It comes although nobody has read a line of what does not fit into the pipe.
      expect((await said.next()).value).to.equal('full')
      const line = JSON.parse(await firstLine(child.stderr)) as Record<string, unknown>
      expect(line).to.include({ level: 'error', name: 'cordon', pid: child.pid })
      expect(line['time']).to.be.a('number')
      expect(line['msg']).to.be.a('string').that.contains('postgres://ada:[redacted]@db.test/x with Bearer [redacted] and [redacted]\n')
      child.stderr.destroy()
      child.stdin.write('go on\n')
      expect((await said.next()).value).to.equal('closed')
      expect(await exit).to.deep.equal([0, null])
    } finally {
      child.kill('SIGKILL')
      await remove()
    }
  })
})

async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface(stream)) return line
  return ''
}
