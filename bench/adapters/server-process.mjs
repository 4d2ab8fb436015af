/**
 * A server of the trivial function in a process of its own: what `http.mjs` compares. Told over IPC what to be; says the URL of the function,
 * and ends with its parent.
 */
import { expressAdapter } from '@cordon/adapters/express'
import { fastifyAdapter } from '@cordon/adapters/fastify'
import { nodeAdapter } from '@cordon/adapters/node'
import { createPlatform } from '@cordon/core'
import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { importPeer } from '../peers/install.mjs'

/** What each server listens with; those of Cordon get a platform. */
const servers = {
  'node:http route': () => listening(createServer(answerBare)),
  'Fastify route': async () => {
    const app = fastify()
    app.post('/fn/trivial', (request, reply) => void reply.send(trivial(request.body)))
    await app.ready()
    return listening(app.server)
  },
  'Express route': () =>
    listening(
      createServer(
        express()
          .use(express.json())
          .post('/fn/trivial', (request, response) => void response.json(trivial(request.body))),
      ),
    ),
  'functions-framework': async () => {
    const { http } = await importPeer('@google-cloud/functions-framework')
    const { getTestServer } = await importPeer('@google-cloud/functions-framework/testing')
    http('trivial', (request, response) => void response.json(trivial(request.body)))
    return listening(getTestServer('trivial'))
  },
  'node:http entry': (platform) => listening(createServer(nodeAdapter(platform))),
  'Fastify entry': async (platform) => {
    const app = fastify()
    app.register(fastifyAdapter(platform))
    await app.ready()
    return listening(app.server)
  },
  'Express entry': (platform) => listening(createServer(express().use(expressAdapter(platform)))),
}
const source = '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }'

const [{ name, dataDir, limits, hasFunctions }] = await once(process, 'message')
process.on('disconnect', () => process.exit())
process.send(await servers[name](dataDir === undefined ? undefined : await openPlatform()))

async function openPlatform() {
  const platform = await createPlatform({ dataDir, limits })
  if (hasFunctions !== true) await platform.deploy({ name: 'trivial', source })
  return platform
}

async function listening(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

function trivial({ n }) {
  return { n }
}

/** What a careful person writes without a framework. */
function answerBare(request, response) {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = JSON.stringify(trivial(JSON.parse(Buffer.concat(chunks).toString())))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
  })
}
