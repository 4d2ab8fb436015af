import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { createPlatform, type Platform } from '@cordon/core'
import { installPackages } from './support/npm-packages.ts'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch } from './support/scratch.ts'

/** Answers by the beginning of the path, as the services give them. */
const answers: Readonly<Record<string, unknown>> = {
  '/v1/customers': { id: 'cus_1', object: 'customer' },
  '/v1/chat/completions': { id: 'c', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' } }] },
  '/repos/a/b': { full_name: 'a/b' },
  '/': { Item: { id: { S: '1' } } },
}
const streamed = ['Hel', 'lo'].map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)

describe('SDKs with a transport for fetch', function () {
  // Installing them for the first time takes most of it.
  this.timeout(120_000)
  let platform: Platform
  let server: Server
  let remove: () => Promise<void>
  let host: string
  const got: (readonly [path: string | undefined, authorization: string | undefined, body: string])[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    got.push([request.url, request.headers.authorization, body])
    if (body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const piece of streamed) response.write(piece)
      response.end('data: [DONE]\n\n')
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answers[request.url ?? '']))
    }
  }

  before(async () => {
    const from = await installPackages('sdks', [
      'stripe@23.1.0',
      'openai@6.49.0',
      '@octokit/core@7.0.8',
      '@aws-sdk/client-dynamodb@3.1162.0',
      'got@14.6.6',
    ])
    server = createServer((request, response) => void answer(request, response))
    server.listen(0)
    await once(server, 'listening')
    host = `localhost:${(server.address() as AddressInfo).port}`
    const scratch = await createScratch()
    remove = scratch.remove
    platform = await createPlatform({
      dataDir: join(scratch.path, 'data'),
      logger: createNotingLogger(),
      net: { allowPrivate: [host] },
      packages: { from, allow: ['stripe', 'openai', '@octokit/core', '@aws-sdk/client-dynamodb', 'got'] },
    })
    await platform.secrets.set('KEY', 'real')
  })
  after(async () => {
    await platform.close()
    server.close()
    await remove()
  })
  beforeEach(() => {
    got.length = 0
  })

  function deploy(imports: string, body: string, config: object) {
    // JavaScript: reading the types of these packages would take most of the time, and is not what this is about.
    const files = { 'index.js': `${imports}\n/** @function */\nexport default async function handler() { ${body} }` }
    return platform.deploy({ name: 'f', files, config })
  }

  it('send keys that they never had: stripe, openai with its streams, @octokit/core', async () => {
    await deploy(
      `import Stripe from 'stripe'\nimport OpenAI from 'openai'\nimport { Octokit } from '@octokit/core'`,
      `const [hostname, port] = ${JSON.stringify(host.split(':'))}
       const stripe = new Stripe('any', { host: hostname, port, protocol: 'http' })
       const openai = new OpenAI({ apiKey: 'any', baseURL: 'http://${host}/v1' })
       const octokit = new Octokit({ auth: 'any', baseUrl: 'http://${host}' })
       const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
       const { id } = await stripe.customers.create({ email: 'a@b.example' })
       const whole = (await openai.chat.completions.create(chat)).choices[0]?.message.content
       let parts = ''
       for await (const { choices } of await openai.chat.completions.create({ ...chat, stream: true })) parts += choices[0]?.delta.content
       const { data } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'a', repo: 'b' })
       return { id, whole, parts, repository: data.full_name }`,
      { secretHeaders: { [host]: { authorization: 'Bearer {KEY}' } } },
    )
    const { output, used } = await platform.invoke('f')
    expect(output).to.deep.equal({ id: 'cus_1', whole: 'Hello', parts: 'Hello', repository: 'a/b' })
    expect(got.map(([path, authorization]) => [path, authorization])).to.deep.equal(
      ['/v1/customers', '/v1/chat/completions', '/v1/chat/completions', '/repos/a/b'].map((path) => [path, 'Bearer real']),
    )
    expect(got[0]?.[2]).to.equal('email=a%40b.example')
    expect(used.requests).to.equal(4)
  })

  it('run that have a build for browsers: @aws-sdk', async () => {
    await deploy(
      `import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'`,
      `const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
       const client = new DynamoDBClient({ region: 'eu-west-1', endpoint: 'http://${host}', credentials })
       return (await client.send(new GetItemCommand({ TableName: 't', Key: { id: { S: '1' } } }))).Item`,
      { net: [host] },
    )
    expect((await platform.invoke('f')).output).to.deep.equal({ id: { S: '1' } })
    expect(got[0]?.[1]).to.match(/^AWS4-HMAC-SHA256 Credential=a\//)
  })

  it('are what a refused package with sockets is told of', async () => {
    const error = await rejection(deploy(`import got from 'got'`, `return got('http://${host}').text()`, { net: [host] }), 'DEPLOYMENT_REJECTED')
    expect(error.message).to.contain('The package got cannot run in a function').and.contain('use the global fetch')
  })
})
