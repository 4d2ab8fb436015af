/**
 * Requests of functions: `fetch` in a sandbox, which the host sends, beside undici's `fetch` in the host, to a server in a process of its own: 1 KB, and 100 MB
 * in each direction.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPlatform } from '@cordon/core'
import { fetch } from 'undici'
import { compareCalls, describeMachine, median, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

/** Requests of one invocation: what calling the function costs is shared by so many. */
const requestsAtOnce = 20
const bodyBytes = 100_000_000
const rounds = 3

const source = `/** @function */
export default async function handler(input) {
  if (input.count !== undefined) {
    for (let index = 0; index < input.count; index++) await (await fetch(input.url)).arrayBuffer()
    return input.count
  }
  if (input.send !== undefined) {
    let left = input.send
    const body = new ReadableStream({ pull(controller) { if (left <= 0) return controller.close(); controller.enqueue(new Uint8Array(65536)); left -= 65536 } })
    return (await fetch(input.url, { method: 'POST', body, duplex: 'half' })).text()
  }
  let bytes = 0
  for await (const chunk of (await fetch(input.url)).body) bytes += chunk.length
  return bytes
}`

console.log(`# ${describeMachine()}`)
const server = fork(fileURLToPath(new URL('fetch-server.mjs', import.meta.url)))
const [port] = await once(server, 'message')
const origin = `http://127.0.0.1:${port}`

await withScratch(async (folder) => {
  const net = { allowPrivate: [`127.0.0.1:${port}`], requests: 1_000_000, bytes: 1e12 }
  const platform = await createPlatform({ dataDir: join(folder, 'data'), net, limits: { timeoutMs: 60_000 } })
  try {
    await platform.deploy({ name: 'f', files: { 'index.js': source }, config: { net: [`127.0.0.1:${port}`] } })
    const result = await compareCalls(
      {
        brokered: () => platform.invoke('f', { url: `${origin}/`, count: requestsAtOnce }),
        host: async () => {
          for (let index = 0; index < requestsAtOnce; index++) await (await fetch(`${origin}/`)).arrayBuffer()
        },
      },
      { blockLength: 25, warmUp: 50 },
    )
    report('fetch of 1 KB in a function, p50', result.of('brokered').p50 / requestsAtOnce, 'µs')
    report('fetch of 1 KB in the host with undici, p50', result.of('host').p50 / requestsAtOnce, 'µs')
    report('ratio', result.ratio('brokered', 'host'), 'x', 2)
    for (const [name, input] of Object.entries({ received: { url: `${origin}/${bodyBytes}` }, sent: { url: `${origin}/`, send: bodyBytes } })) {
      const times = { brokered: [], host: [] }
      for (let round = 0; round < rounds; round++) {
        times.brokered.push(await seconds(() => platform.invoke('f', input)))
        times.host.push(await seconds(() => transfer(input)))
      }
      report(`${bodyBytes / 1e6} MB ${name} by a function`, bodyBytes / 1e6 / median(times.brokered), 'MB/s')
      report(`${bodyBytes / 1e6} MB ${name} by the host with undici`, bodyBytes / 1e6 / median(times.host), 'MB/s')
    }
    report('memory of the host at its highest', process.resourceUsage().maxRSS / 1024, 'MiB')
  } finally {
    await platform.close()
    server.kill()
  }
})

async function seconds(run) {
  const from = performance.now()
  await run()
  return (performance.now() - from) / 1000
}

/** What the function does, in the host. */
async function transfer({ url, send }) {
  if (send === undefined) {
    for await (const _ of (await fetch(url)).body) continue
    return
  }
  let left = send
  const body = new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close()
      controller.enqueue(new Uint8Array(65_536))
      left -= 65_536
    },
  })
  await (await fetch(url, { method: 'POST', body, duplex: 'half' })).text()
}
