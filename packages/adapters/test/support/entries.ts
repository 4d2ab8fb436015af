import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { buffer } from 'node:stream/consumers'
import { expressAdapter } from '@cordon/adapters/express'
import { fastifyAdapter } from '@cordon/adapters/fastify'
import { honoAdapter } from '@cordon/adapters/hono'
import { koaAdapter } from '@cordon/adapters/koa'
import { nodeAdapter } from '@cordon/adapters/node'
import type { Platform } from '@cordon/core'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import express4 from 'express4'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import Koa2 from 'koa2'
import bodyParser from 'koa-bodyparser'
import mount from 'koa-mount'

/** A server of a host application whose platform is mounted at `/cordon`; outside of it the host answers "the host". */
export interface Entry {
  readonly name: string
  /** False where the framework normalises or refuses a path before anybody sees it. */
  readonly keepsPaths: boolean
  create(platform: Platform): Server | Promise<Server>
}

function expressServer(platform: Platform, framework: typeof express, parsers: readonly express.RequestHandler[]): Server {
  const app = framework()
  app.set('trust proxy', true)
  for (const parser of parsers) app.use(parser)
  app.get('/', (_request, response) => void response.send('the host'))
  app.use('/cordon', expressAdapter(platform))
  return createServer(app)
}

function koaServer(app: Koa): Server {
  app.proxy = true
  app.use((context) => {
    if (context.path === '/') context.body = 'the host'
  })
  const answer = app.callback()
  return createServer((request, response) => void answer(request, response))
}

async function fastifyServer(platform: Platform, prefix: string, reads: boolean): Promise<Server> {
  const app = fastify({ trustProxy: true, forceCloseConnections: true })
  if (reads)
    app.addHook('preParsing', async (request, _reply, payload) => {
      Object.assign(request, { rawBody: await buffer(payload) })
      return payload
    })
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-host', 'fastify'))
  app.get('/', (_request, reply) => reply.send('the host'))
  await app.register(fastifyAdapter(platform), { prefix })
  await app.ready()
  return app.server
}

/** `require('hono')` gives another copy of Hono than `import`, as an application with a version of its own has. */
const OtherHono = (createRequire(import.meta.url)('hono') as { Hono: typeof Hono }).Hono

function honoServer(platform: Platform, parses: boolean): Server {
  const app = new (parses ? OtherHono : Hono)()
  app.use(async (context, next) => {
    context.header('x-host', 'hono')
    if (parses && context.req.method !== 'GET' && context.req.method !== 'HEAD') await context.req.text()
    await next()
  })
  app.get('/', (context) => context.text('the host'))
  app.all('/cordon/*', honoAdapter(platform))
  const answer = getRequestListener(app.fetch)
  return createServer((request, response) => void answer(request, response))
}

function nodeServer(platform: Platform): Server {
  const answer = nodeAdapter(platform, { basePath: '/cordon' })
  return createServer((request, response) => {
    if (request.url === '/') response.end('the host')
    else answer(request, response)
  })
}

const parsers = [express.json({ limit: '2mb' }), express.urlencoded({ extended: true }), express.text()]

export const entries: readonly Entry[] = [
  { name: 'node:http', keepsPaths: true, create: nodeServer },
  { name: 'Express 5', keepsPaths: true, create: (platform) => expressServer(platform, express, []) },
  { name: 'Express 4', keepsPaths: true, create: (platform) => expressServer(platform, express4, []) },
  { name: 'Koa 3 with koa-mount', keepsPaths: true, create: (platform) => koaServer(new Koa().use(mount('/cordon', koaAdapter(platform)))) },
  { name: 'Koa 2', keepsPaths: true, create: (platform) => koaServer(new Koa2().use(koaAdapter(platform, { basePath: '/cordon' }))) },
  { name: 'Fastify 5', keepsPaths: true, create: (platform) => fastifyServer(platform, '/cordon', false) },
  { name: 'Hono 4', keepsPaths: false, create: (platform) => honoServer(platform, false) },
]

/** The same behind middleware that has read the body. */
export const parsingEntries: readonly Entry[] = [
  { name: 'Express 5 behind parsers', keepsPaths: true, create: (platform) => expressServer(platform, express, parsers) },
  {
    name: 'Koa 3 behind a parser',
    keepsPaths: true,
    create: (platform) =>
      koaServer(new Koa().use(bodyParser({ enableTypes: ['json', 'form', 'text'], jsonLimit: '2mb' })).use(mount('/cordon', koaAdapter(platform)))),
  },
  {
    name: 'Fastify 5 behind a reader, below another spelling of its prefix',
    keepsPaths: true,
    create: (platform) => fastifyServer(platform, '/cordon/', true),
  },
  { name: 'Hono 4 behind a reader', keepsPaths: false, create: (platform) => honoServer(platform, true) },
]
