/** Starts servers and has autocannon ask one after the other, in interleaved blocks. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { median } from '../measure.mjs'
import { importPeer } from '../peers/install.mjs'
import { startWorkerd } from '../peers/workerd.mjs'
import { cpuOfTree } from './process-tree.mjs'

const connections = 32
/** Seconds of a block. */
const blockSeconds = 2
/** Requests that each server warms up with: V8 has optimised what it will by then, however slow the machine is. */
const warmUpRequests = 10_000
/** Requests before each block that are not counted: sandboxes that were idle while the others had their turn are started again. */
const leadInRequests = 1000

/** Starts a server of `server-process.mjs`: `{ url, pid, close }`. */
export async function startServer(options) {
  const { child, answer } = await startChild('server-process.mjs', options)
  return { url: answer, pid: child.pid, close: () => end(child) }
}

/** Starts workerd with the same function. */
export async function startWorkerdServer() {
  const { port, pid, close } = await startWorkerd((await importPeer('workerd')).default.default)
  return { url: `http://127.0.0.1:${port}`, pid, close: async () => close() }
}

/**
 * Measures servers, by name, `{ url, pid }` each; `paths` of the functions to call, in turn. `of` gives the medians over the rounds of requests per
 * second, p50 and p99 in milliseconds and CPU time per request in microseconds, of the server's own process and of those below it; `ratio` the
 * median of the ratios of each round.
 */
export async function shootOut(servers, { rounds, paths = () => ['/fn/trivial'] }) {
  const load = fork(fileURLToPath(new URL('load-process.mjs', import.meta.url)))
  const blocks = {}
  try {
    for (const [name, server] of Object.entries(servers)) {
      blocks[name] = []
      await check(server, paths(name))
      await shoot(load, { server, paths: paths(name), amount: warmUpRequests })
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of Object.entries(servers)) {
        await shoot(load, { server, paths: paths(name), amount: leadInRequests })
        blocks[name].push(await shoot(load, { server, paths: paths(name), duration: blockSeconds }))
      }
    }
  } finally {
    await end(load)
  }
  const figure = (name, key) => median(blocks[name].map((block) => block[key]))
  return {
    of: (name) => Object.fromEntries(['perSecond', 'p50', 'p99', 'ownCpu', 'childCpu', 'cpu'].map((key) => [key, figure(name, key)])),
    ratio: (name, reference, key = 'perSecond') => median(blocks[name].map((block, round) => block[key] / blocks[reference][round][key])),
  }
}

/** A server that answers something else would be fast. */
async function check({ url }, paths) {
  for (const path of paths) {
    const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":7}' })
    const text = await response.text()
    if (text !== '{"n":7}') throw new Error(`${url}${path} answered ${response.status} ${text}`)
  }
}

async function shoot(load, { server: { url, pid }, paths, ...length }) {
  const before = cpuOfTree(pid)
  load.send({ url, connections, ...length, requests: paths.map((path) => ({ path })) })
  const [result] = await once(load, 'message')
  if (result.failure !== undefined) throw new Error(`${url}: ${result.failure}`)
  let own = 0
  let below = 0
  for (const [id, micros] of cpuOfTree(pid)) {
    const used = (micros - (before.get(id) ?? 0)) / result.requests
    if (id === pid) own += used
    else below += used
  }
  return { ...result, ownCpu: own, childCpu: below, cpu: own + below }
}

async function startChild(file, message) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)))
  child.send(message)
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => {
      throw new Error(`${message.name} ended before it listened`)
    }),
  ])
  return { child, answer }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.disconnect()
  await once(child, 'exit')
}
