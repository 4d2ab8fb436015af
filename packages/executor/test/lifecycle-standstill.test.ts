import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as standStill } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const program = fileURLToPath(new URL('lifecycle-standstill-host.js', import.meta.url))

describe('a host that stands still past every deadline', () => {
  for (const how of ['block', 'stop']) {
    it(`takes what was finished meanwhile for what it is (${how})`, async function () {
      if (how === 'stop' && process.platform === 'win32') return this.skip()
      const host = fork(program, [how], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
      const output = host.stdout === null ? '' : text(host.stdout)
      const exited = once(host, 'exit')
      if (how === 'stop') {
        await once(host, 'message')
        host.kill('SIGSTOP')
        await standStill(1500)
        host.kill('SIGCONT')
        host.send('go on')
      }
      expect(JSON.parse(await output)).to.deep.equal({
        'a small result': 'success',
        'a result larger than a pipe': 'success',
        'a failure': 'FUNCTION_ERROR',
        'a result with too much memory': 'success',
        'an answer of the host on its way': 'success',
        'a crash': 'CRASHED',
        nothing: 'TIMEOUT',
        'the first of a queue': 'success',
        'the second of a queue': 'success',
        'the third of a queue': 'success',
        'a load': 'success',
        'a boot': 'success',
      })
      await exited
    })
  }
})
