/**
 * Functions that are after the host itself: its memory, its event loop, its database and its patience. What is after
 * files, processes and the network is in the attack files of the executor.
 */
import { createHandler } from '@cordon/adapters'

const json = (body) => `/** @function */\nexport default async function hostile(input, ctx) {\n${body}\n}`
const http = (body) => `/** @function */\nexport default { async fetch(request, env, ctx) {\n${body}\n} }`
const pieces = 'const piece = new Uint8Array(65536).fill(120)'

const functions = {
  'log-flood': json(
    `const line = 'x'.repeat(10_000); for (;;) { for (let n = 0; n < 100; n++) console.log(line); await new Promise((resolve) => setImmediate(resolve)) }`,
  ),
  'log-lines': json(`for (let n = 0; n < 200_000; n++) console.error('')`),
  'log-objects': json(`for (let n = 0; n < 2_000; n++) ctx.log.info('entry', { n, list: Array.from({ length: 200 }, (_, index) => index) })`),
  'output-text': json(`return 'x'.repeat(5_900_000)`),
  'output-objects': json(`return Array.from({ length: 400_000 }, (_, n) => ({ n }))`),
  'output-keys': json(`return Object.fromEntries(Array.from({ length: 200_000 }, (_, index) => ['key' + index, 0]))`),
  'output-beyond-the-limit': json(`return 'x'.repeat(20_000_000)`),
  'output-deep': json(`let deep = 0; for (let n = 0; n < 100_000; n++) deep = [deep]; return deep`),
  'host-calls': json(
    `const calls = []; for (let n = 0; n < 20_000; n++) calls.push(ctx.db.query('select 1').catch(() => 0)); await Promise.all(calls)`,
  ),
  'host-calls-denied': json(`await Promise.allSettled(Array.from({ length: 20_000 }, () => fetch('http://127.0.0.1/')))`),
  'host-calls-large': json(`await Promise.allSettled(Array.from({ length: 20 }, () => ctx.db.query('select $1::text', ['x'.repeat(4_000_000)])))`),
  'query-slow': json(`await ctx.db.query('select pg_sleep(60)')`),
  'query-rows': json(`await ctx.db.query('select repeat(chr(120), 1000) from generate_series(1, 1000000)')`),
  'error-stack': json(`const error = new Error('stack'); error.stack = '    at evil (cordon:///x/index.js:1:1)\\n'.repeat(30_000); throw error`),
  'error-causes': json(
    `let error = new Error('x'.repeat(100_000)); for (let n = 0; n < 1000; n++) error = new Error('x'.repeat(10_000), { cause: error }); throw error`,
  ),
  timers: json(`for (let n = 0; n < 100_000; n++) setInterval(() => {}, 1); return 1`),
  'memory-buffers': json(
    `const kept = []; for (;;) { kept.push(Buffer.alloc(1_000_000, 1)); await new Promise((resolve) => setImmediate(resolve)) }`,
  ),
  'memory-text': json(`return 'ab'.repeat(1e8).split('')`),
  loop: json(`for (;;);`),
  'crash-at-load': `throw new Error('no')\n${json('')}`,
  'exit-at-load': `process.exit(0)\n${json('')}`,
  'loop-at-load': `for (;;);\n${json('')}`,
  'http-endless': http(`${pieces}; return new Response(new ReadableStream({ pull(controller) { controller.enqueue(piece) } }))`),
  'http-silent': http(`await new Promise(() => setInterval(() => {}, 1000))`),
  'http-stalled': http(
    `return new Response(new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array(10)); setInterval(() => {}, 1000) } }))`,
  ),
  'http-headers': http(`return new Response('x', { headers: Array.from({ length: 5000 }, (_, index) => ['x-' + index, 'y'.repeat(20)]) })`),
  'http-tiny-pieces': http(
    `let n = 0; return new Response(new ReadableStream({ pull(controller) { if (n++ < 50_000) controller.enqueue(new Uint8Array(1)); else controller.close() } }))`,
  ),
  'http-dies': http(
    `${pieces}; let n = 0; return new Response(new ReadableStream({ pull(controller) { if (n++ > 20) process.exit(1); controller.enqueue(piece) } }))`,
  ),
}

/** What ends by itself after heavy work gets the time to do it: its result is the attack. */
const isHeavy = /^(output|error|memory|query|host-calls-large)/
const heavyTimeoutMs = 3000
/** Bytes of an endless response that its caller reads before it goes away. */
const wantedBytes = 4_000_000

/** Deploys them; each is a class with a `call` that resolves with the code of the outcome. */
export async function deployHostileFunctions(platform, { timeoutMs }) {
  const classes = []
  for (const [name, source] of Object.entries(functions)) {
    await platform.deploy({ name, files: { 'index.mjs': source }, config: { database: true } })
    const call = name.startsWith('http-')
      ? () => readAll(platform, name, timeoutMs)
      : () => invoke(platform, name, {}, isHeavy.test(name) ? heavyTimeoutMs : timeoutMs)
    classes.push({ group: name.split('-')[0], name, call })
  }
  // The outputs once more over HTTP, where they must not cost the host more than in code.
  const handle = createHandler(platform)
  for (const name of ['output-text', 'output-objects', 'output-keys']) {
    classes.push({ group: 'output over HTTP', name: `${name} over HTTP`, call: () => post(handle, name, '{}') })
  }
  const large = JSON.stringify(Array.from({ length: 400_000 }, (_, n) => ({ n })).slice(0, 380_000))
  const deep = '['.repeat(2_000_000) + ']'.repeat(2_000_000)
  for (const [name, body] of Object.entries({ 'input-large': large, 'input-deep': deep, 'input-not-json': `${large.slice(0, -1)}!` })) {
    classes.push({ group: 'input over HTTP', name, call: () => post(handle, 'timers', body) })
  }
  return classes
}

/** Calls a JSON function as a host should that does not know who wrote it: text in, text out. Resolves with the code of the outcome. */
export async function invoke(platform, name, input, timeoutMs) {
  return codeOf(platform.invokeJson(name, JSON.stringify(input), { timeoutMs }))
}

async function readAll(platform, name, timeoutMs) {
  return codeOf(
    (async () => {
      const { body } = await platform.fetch(name, new Request('http://function.test/'), { timeoutMs })
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.byteLength
        if (bytes > wantedBytes) return
      }
    })(),
  )
}

async function post(handle, name, body) {
  const request = new Request(`http://host.test/fn/${name}`, { method: 'POST', body })
  const response = await handle(request)
  if (response.headers.get('content-type') === 'application/problem+json') return (await response.json()).code
  await response.arrayBuffer()
  return 'success'
}

async function codeOf(call) {
  try {
    await call
    return 'success'
  } catch (error) {
    return error.code ?? error.name
  }
}
