// How long after a deployment on one host it is live on another that shares the database.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createReaper } from '@cordon/executor'
import { createEmbeddedServer } from '@cordon/pool'
import { describeMachine, median, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const program = fileURLToPath(new URL('../../packages/core/test/fixtures/following-host.mjs', import.meta.url))
const rounds = 30

console.log(`# ${describeMachine()}`)
await withScratch(async (folder) => {
  const reaper = createReaper()
  const server = await createEmbeddedServer({ dataDir: join(folder, 'server'), reaper })
  const { user, host, port, database } = server.connection
  const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  const [first, second] = [fork(program, [url]), fork(program, [url])]
  await Promise.all([once(first, 'message'), once(second, 'message')])
  const delays = []
  for (let round = 0; round < rounds; round++) {
    // Each host says when a version is live there, by the clock of the machine: at its own, the call that deployed is about to return.
    const [here, there] = [liveAt(first), liveAt(second)]
    first.send({ id: round, act: 'deploy', argument: { name: 'shared', value: round } })
    delays.push((await there) - (await here))
  }
  report('live on another host after the deployment, median', median(delays), 'ms', 200)
  report('the slowest', Math.max(...delays), 'ms', 200)
  for (const child of [first, second]) {
    const exit = once(child, 'exit')
    child.send({ id: rounds, act: 'close' })
    child.on('message', ({ id }) => id === rounds && child.disconnect())
    await exit
  }
  await server.close()
  await reaper.close()
})

function liveAt(child) {
  return new Promise((resolve) => {
    child.on('message', function hear({ deployment }) {
      if (deployment === undefined) return
      child.off('message', hear)
      resolve(deployment.at)
    })
  })
}
