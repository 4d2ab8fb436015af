/** Bodies of 100 MB streamed each way: speed beside a bare socket pair, and the memory that they take in host and sandbox. */
import { createExecutor } from '@cordon/executor'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { median, report } from '../measure.mjs'
import { httpInvocation, versionOf } from './versions.mjs'

const streamBytes = 100_000_000
const rounds = 3
/** What constant memory may grow by, in MiB: the window of the body is 0.25 MiB, the rest is garbage that was not collected yet. */
const maxGrowthMb = 16
/** The largest piece of a body that the pipe carries in one frame. */
const chunkBytes = 65_536
/** The bare child and the host both say when they are up. */
const greeting = 'ready'

let pid = 0
const executor = await createExecutor({ spares: 0, onSandbox: (event) => (pid = event.pid) })
const limits = { timeoutMs: 60_000 }
const download = versionOf('download', `{ fetch: () => new Response((${bodyOf.toString()})(${streamBytes}, ${chunkBytes})) }`, limits)
const upload = versionOf(
  'upload',
  '{ async fetch(request) { let bytes = 0; for await (const chunk of request.body) bytes += chunk.length; return new Response(String(bytes)) } }',
  limits,
)
const figures = { read: [], written: [], response: [], request: [] }
try {
  for (let round = 0; round < rounds; round++) {
    figures.read.push(await rawRead())
    figures.response.push(await measureStream(download, () => null, streamBytes))
    figures.written.push(await rawWrite())
    figures.request.push(await measureStream(upload, () => bodyOf(streamBytes, chunkBytes), String(streamBytes).length))
  }
  report('socket pair, child to host', median(figures.read), 'MB/s')
  printStreams('streamed response', figures.response, figures.read)
  report('socket pair, host to child', median(figures.written), 'MB/s')
  printStreams('streamed request', figures.request, figures.written)
} finally {
  await executor.destroy()
}

/** A stream that makes its chunks when they are asked for. Also runs inside the sandbox, from its source. */
function bodyOf(bytes, chunkSize) {
  let left = bytes
  return new ReadableStream(
    {
      pull(controller) {
        if (left === 0) return controller.close()
        const size = Math.min(left, chunkSize)
        left -= size
        controller.enqueue(new Uint8Array(size))
      },
    },
    { highWaterMark: 0 },
  )
}

async function call(executor, version, body) {
  let peak = 0
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 2)
  try {
    const { response, outcome } = executor.fetch(version, httpInvocation(body))
    let bytes = 0
    for await (const chunk of (await response).body) bytes += chunk.length
    const { kind, error } = await outcome
    if (kind === 'failure') throw error
    return { bytes, peak: Math.max(peak, process.memoryUsage.rss()) }
  } finally {
    clearInterval(sampler)
  }
}

async function measureStream(version, body, expected) {
  await call(executor, version, bodyOf(chunkBytes, chunkBytes))
  const before = process.memoryUsage.rss()
  const from = performance.now()
  const { bytes, peak } = await call(executor, version, body())
  const megabytesPerSecond = streamBytes / 1000 / (performance.now() - from)
  if (bytes !== expected) throw new Error(`${bytes} bytes arrived, expected ${expected}`)
  return { megabytesPerSecond, before: before / 2 ** 20, peak: peak / 2 ** 20, sandboxPeak: peakOf(pid) }
}

function printStreams(name, streams, limits) {
  report(name, median(streams.map(({ megabytesPerSecond }) => megabytesPerSecond)), 'MB/s')
  report(`${name} / socket pair`, median(streams.map(({ megabytesPerSecond }, round) => megabytesPerSecond / limits[round])), 'x')
  report(`${name}, peak memory of the host`, Math.max(...streams.map(({ peak }) => peak)), 'MiB')
  report(`${name}, growth of the host's memory`, Math.max(...streams.map(({ before, peak }) => peak - before)), 'MiB', maxGrowthMb)
  report(`${name}, peak memory of the sandbox`, Math.max(...streams.map(({ sandboxPeak }) => sandboxPeak)), 'MiB')
}

/** Megabytes per second that a bare process writes and this one reads, on a socket pair. */
async function rawRead() {
  const child = await startBare(`
const chunk = Buffer.alloc(${chunkBytes})
let left = ${streamBytes}
function write() {
  while (left > 0) {
    const size = Math.min(left, ${chunkBytes})
    left -= size
    if (!socket.write(chunk.subarray(0, size))) return socket.once('drain', write)
  }
}
socket.once('data', write)`)
  const socket = child.stdio[3]
  const from = performance.now()
  socket.write(greeting)
  let bytes = 0
  for await (const chunk of socket) {
    bytes += chunk.length
    if (bytes === streamBytes) break
  }
  child.kill()
  return streamBytes / 1000 / (performance.now() - from)
}

async function rawWrite() {
  const child = await startBare(
    `let bytes = 0; socket.on('data', (chunk) => { bytes += chunk.length; if (bytes === ${streamBytes}) socket.write('x') })`,
  )
  const socket = child.stdio[3]
  const chunk = Buffer.alloc(chunkBytes)
  const from = performance.now()
  for (let left = streamBytes; left > 0; left -= chunkBytes) {
    if (!socket.write(chunk.subarray(0, Math.min(left, chunkBytes)))) await once(socket, 'drain')
  }
  await once(socket, 'data')
  child.kill()
  return streamBytes / 1000 / (performance.now() - from)
}

async function startBare(program) {
  const code = `const socket = new (require('node:net').Socket)({ fd: 3 });${program};socket.write('${greeting}')`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
  await once(child.stdio[3], 'data')
  return child
}

function peakOf(pid) {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}
