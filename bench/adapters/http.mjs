/**
 * The trivial function over HTTP: autocannon with 32 connections against the entries of Cordon, workerd, Google's functions-framework and the same
 * function as a route of the bare framework. Every server is a process of its own; autocannon, in another, asks one after the other. Where both share
 * two cores, CPU time per request says more than requests per second.
 */
import { join } from 'node:path'
import { report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'
import { shootOut, startServer, startWorkerdServer } from './shoot-out.mjs'

const rounds = 5
/** 64 calls in one sandbox, all of them let in. */
const shared = { concurrency: 64, instanceConcurrency: 64 }
const entries = [
  { name: 'node:http entry', limits: {} },
  { name: 'Fastify entry', limits: {} },
  { name: 'node:http entry', limits: shared },
  { name: 'Fastify entry', limits: shared },
  { name: 'Express entry', limits: shared },
]
const targets = [
  ['node:http entry', 'workerd', 1],
  ['Fastify entry', 'workerd', 1],
  ['node:http entry', 'functions-framework', 2.5],
  ['Fastify entry', 'functions-framework', 2.5],
  ['node:http entry, shared', 'workerd', 2],
  ['Fastify entry, shared', 'workerd', 2],
  ['node:http entry, shared', 'node:http route', 0.4],
  ['Fastify entry, shared', 'Fastify route', 0.4],
  ['Express entry, shared', 'Express route', 0.6],
]

await withScratch(async (folder) => {
  const servers = {}
  try {
    servers.workerd = await startWorkerdServer()
    for (const name of ['functions-framework', 'node:http route', 'Fastify route', 'Express route']) servers[name] = await startServer({ name })
    for (const [index, { name, limits }] of entries.entries())
      servers[limits === shared ? `${name}, shared` : name] = await startServer({ name, limits, dataDir: join(folder, String(index)) })
    const result = await shootOut(servers, { rounds })
    console.log(`${'32 connections; "shared": instanceConcurrency 64'.padEnd(52)}     req/s   p50 ms   p99 ms   CPU µs/req (host + sandboxes)`)
    for (const name of Object.keys(servers)) print(name, result.of(name))
    for (const [name, reference, atLeast] of targets) report(`${name} / ${reference}`, result.ratio(name, reference), 'x', { atLeast })
    for (const [name, reference] of targets) report(`CPU time: ${name} / ${reference}`, result.ratio(name, reference, 'cpu'), 'x')
  } finally {
    for (const { close } of Object.values(servers)) await close()
  }
})

function print(name, { perSecond, p50, p99, ownCpu, childCpu }) {
  const cells = [perSecond.toFixed(0).padStart(9), p50.toFixed(2).padStart(8), p99.toFixed(2).padStart(8), (ownCpu + childCpu).toFixed(0).padStart(8)]
  console.log(`${name.padEnd(52)} ${cells.join(' ')}   (${ownCpu.toFixed(0)} + ${childCpu.toFixed(0)})`)
}
