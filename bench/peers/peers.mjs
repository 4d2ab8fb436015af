/** The peers, each as `{ call, close }` like the raw echo. */
import { importPeer, resolvePeer } from './install.mjs'
import { createEcho } from '../raw-echo.mjs'
import { createWorkerd } from './workerd.mjs'

const filename = new URL('echo-worker.mjs', import.meta.url).href

const starters = {
  piscina: async ({ concurrency, handler }) => {
    const { default: Piscina } = await importPeer('piscina')
    const pool = new Piscina({ filename, name: handler, minThreads: 1, maxThreads: 1, concurrentTasksPerWorker: concurrency, idleTimeout: Infinity })
    return { call: (input) => pool.run(input), close: () => pool.destroy() }
  },
  'tinypool threads': (options) => createTinypool('worker_threads', options),
  'tinypool child_process': (options) => createTinypool('child_process', options),
  'isolated-vm in a child': async () => {
    const path = resolvePeer('isolated-vm')
    await importPeer('isolated-vm')
    return createEcho({ flags: ['--no-node-snapshot'], respond: isolateProgram(path) })
  },
  'workerd over HTTP': async () => createWorkerd((await importPeer('workerd')).default.default),
}

/** Starts the named peers and says why one is missing: `{ name: { call, close } }`. `concurrency`: calls at once in one worker. */
export async function startPeers(names, { concurrency = 1, handler = 'echo' } = {}) {
  const started = {}
  for (const name of names) {
    try {
      started[name] = await starters[name]({ concurrency, handler })
      await started[name].call({ n: 0 })
    } catch (error) {
      delete started[name]
      console.log(`${name.padEnd(52)} not available: ${error.message.split('\n')[0]}`)
    }
  }
  return started
}

async function createTinypool(runtime, { concurrency, handler }) {
  const { Tinypool } = await importPeer('tinypool')
  const pool = new Tinypool({
    filename,
    name: handler,
    runtime,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: concurrency,
    idleTimeout: Infinity,
  })
  return { call: (input) => pool.run(input), close: () => pool.destroy() }
}

/** A function inside an isolate that gets and gives JSON text, so that no reference leaves it. */
function isolateProgram(path) {
  return `
const ivm = require(${JSON.stringify(path)})
const context = new ivm.Isolate({ memoryLimit: 128 }).createContextSync()
const handler = context.evalSync('(text) => { const input = JSON.parse(text); return JSON.stringify({ n: input.n }) }', { reference: true })
const respond = (payload) => handler.applySync(undefined, [payload])
`
}
