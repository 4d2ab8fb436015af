import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createApp } from '@cordon-examples/express-embed/app.mjs'
import { serve } from '@cordon/adapters/node'
import { createPlatform } from '@cordon/core'

const examples = new URL('../', import.meta.url)
/** A stop takes two seconds at most; after this time what still runs is killed. In milliseconds. */
const gracefulStopMs = 1400
/** A start cannot be stopped half-way, only left: the reaper then ends what it has started. In milliseconds. */
const lastResortMs = 1600

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    stopping.abort()
    setTimeout(() => process.exit(130), lastResortMs).unref()
  })

/** How to say at this command line what a message calls by the name of the option. */
const remedies = { port: 'npm start -- --port 9000', dataDir: 'npm start -- --data-dir <path>' }

try {
  await tour(readArguments())
} catch (error) {
  // A failure here is about this machine (a taken port, a folder that cannot be written): one sentence says what to do.
  if (!stopping.signal.aborted) {
    console.error(explain(error))
    process.exitCode = 1
  }
}

function explain(error) {
  if (!(error instanceof Error)) return String(error)
  const remedy = remedies[error.code === 'DATA_DIR_IN_USE' ? 'dataDir' : error.details?.option]
  return remedy === undefined ? error.message : `${error.message} (${remedy})`
}

function readArguments() {
  const { values } = parse()
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535)
    throw new Error(`Cannot use --port "${values.port}": expected a number from 0 to 65535`)
  return { isOnce: values.once === true, port: Number(values.port), dataDir: values['data-dir'] }
}

function parse() {
  try {
    return parseArgs({
      options: { once: { type: 'boolean' }, port: { type: 'string', default: '8080' }, 'data-dir': { type: 'string', default: '.cordon' } },
    })
  } catch (error) {
    throw new Error(`${error.message}. Use: npm start -- [--once] [--port <number>] [--data-dir <path>]`, { cause: error })
  }
}

async function tour({ isOnce, port, dataDir }) {
  const platform = await createPlatform({ dataDir, packages: { from: fileURLToPath(new URL('http/', examples)), allow: ['hono'] } })
  let server
  let app
  try {
    stopping.signal.throwIfAborted()
    // With --once nobody is told the port, so any free one will do.
    server = await serve(platform, { port: isOnce ? 0 : port })
    app = createApp(platform).listen(0, '127.0.0.1')
    await once(app, 'listening')
    const appUrl = `http://127.0.0.1:${app.address().port}`
    await deployAll(platform)
    await callAll(server.url, appUrl)
    if (!isOnce) await keepServing({ server, appUrl, dataDir })
  } finally {
    const timer = setTimeout(() => void platform.destroy(), gracefulStopMs)
    app?.close()
    app?.closeAllConnections()
    await server?.close()
    await platform.close()
    clearTimeout(timer)
  }
}

async function deployAll(platform) {
  console.log('\nDeploying the examples')
  const uploads = { simple: 'simple/index.ts', http: 'http/index.ts', database: 'database/index.ts', greet: 'express-embed/greet.ts' }
  for (const [name, path] of Object.entries(uploads)) {
    stopping.signal.throwIfAborted()
    const started = performance.now()
    const file = fileURLToPath(new URL(path, examples))
    // The label says which source is live: a second start has nothing to analyse.
    const label = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    const live = await liveVersion(platform, name)
    if (live?.label === label) {
      console.log(`  ${name.padEnd(9)} ${live.version}  is live already`)
      continue
    }
    const { version, manifest } = await platform.deploy({ name, path: file, label })
    const packages = manifest.packages.map((one) => `${one.name} ${one.version}`).join(', ')
    console.log(`  ${name.padEnd(9)} ${version}  ${Math.round(performance.now() - started)} ms${packages === '' ? '' : `  (with ${packages})`}`)
  }
}

async function liveVersion(platform, name) {
  const functions = await platform.functions.list()
  if (!functions.some((one) => one.name === name)) return undefined
  return (await platform.functions.versions(name)).find((one) => one.live)
}

async function callAll(url, appUrl) {
  console.log('\nCalling them over HTTP, each in an operating-system process of its own')
  // The stream takes its time, most of it waiting: it runs beside the others.
  const [streamed] = await Promise.all([readStream(`${url}/fn/http/count/3`), callJson(url)])
  console.log(`  ${'http'.padEnd(9)} streamed: ${streamed}`)
  await show('greet', `${appUrl}/cordon/fn/greet?name=Ada`, undefined, '  (through an Express application)')
}

async function callJson(url) {
  await show('simple', `${url}/fn/simple`, { items: [{ name: 'tea', cents: 250, count: 2 }] })
  await show('database', `${url}/fn/database`, { from: 'ada', to: 'bob', amount: 0 })
  await show('http', `${url}/fn/http/hello/Ada`)
}

async function show(name, url, input, remark = '') {
  stopping.signal.throwIfAborted()
  const started = performance.now()
  const init = input === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) }
  const response = await fetch(url, { ...init, signal: stopping.signal })
  const text = await response.text()
  if (!response.ok) throw new Error(`Cannot call ${name}: ${response.status} ${text}`)
  console.log(`  ${name.padEnd(9)} ${text}  ${(performance.now() - started).toFixed(1)} ms${remark}`)
}

async function readStream(url) {
  const response = await fetch(url, { signal: stopping.signal })
  if (!response.ok) throw new Error(`Cannot call http: ${response.status} ${await response.text()}`)
  const started = performance.now()
  const decoder = new TextDecoder()
  const parts = []
  for await (const chunk of response.body)
    parts.push(`${decoder.decode(chunk, { stream: true }).trim()} (${Math.round(performance.now() - started)} ms)`)
  return parts.join(' ')
}

async function keepServing({ server, appUrl, dataDir }) {
  const dataOption = dataDir === '.cordon' ? '' : ` --data-dir ${dataDir}`
  console.log(`
Ready. Try in another terminal:
  curl -d '{"items":[{"name":"tea","cents":250,"count":2}]}' ${server.url}/fn/simple
  curl -N ${server.url}/fn/http/count/5
  curl -d '{"from":"ada","to":"bob","amount":30}' ${server.url}/fn/database
  curl '${appUrl}/cordon/fn/greet?name=Ada'
  curl -H 'Authorization: Bearer ${server.token}' ${server.url}/api/functions
  npx cordon${dataOption} list
  npx cordon${dataOption} logs -f
Ctrl-C stops.`)
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
}
