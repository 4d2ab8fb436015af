import { createPlatform, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, readPackage } from './support/npm-packages.ts'

/** Packages that the functions below import; they are resolved from a directory that this test installs. */
const packages = {
  chanfana: '3.4.0',
  h3: '2.0.8',
  hono: '4.13.19',
  'itty-router': '6.0.0',
  marked: '18.2.1',
  mustache: '4.2.0',
  papaparse: '5.7.1',
  'pdf-lib': '1.17.1',
  uqr: '0.1.3',
  zod: '4.6.7',
}

const marker = '/** @function */\n'

/** The one change that code in the `export default { fetch }` style needs. */
function mark(source: string | undefined): string {
  if (source === undefined) throw new Error('the published package no longer holds this file')
  return source.replace(/^export default/m, `${marker}export default`)
}

/** The first fenced block of a README that has a default export. */
function codeBlock(readme: string): string {
  for (const [, code] of readme.matchAll(/^```(?:ts|js)\n(.*?)^```/gms)) {
    if (code?.includes('export default')) return code
  }
  throw new Error('the README has no example with a default export')
}

describe('functions that nobody here wrote', function () {
  this.timeout(180_000)

  let directory: string
  let dataDir: string
  let platform: Platform
  let workers: ReadonlyMap<string, string>
  let netlify: ReadonlyMap<string, string>

  before(async () => {
    directory = await installPackages(
      'real-input',
      Object.entries(packages).map(([name, version]) => `${name}@${version}`),
    )
    workers = await readPackage('create-cloudflare@2.67.4', 'package/templates/')
    netlify = await readPackage('netlify-cli@26.2.0', 'package/functions-templates/')
    dataDir = await mkdtemp(join(tmpdir(), 'cordon-test-'))
    platform = await createPlatform({ dataDir, packages: { from: directory, allow: Object.keys(packages) } })
  })

  after(async () => {
    await platform?.close()
    if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true })
  })

  async function get(name: string, path: string, init?: RequestInit): Promise<Response> {
    return platform.fetch(name, new Request(`http://localhost${path}`, init))
  }

  async function readme(name: string): Promise<string> {
    return readFile(join(directory, 'node_modules', name, 'README.md'), 'utf8')
  }

  it('runs the Workers template "hello-world" in JavaScript with a marker', async () => {
    await platform.deploy({ name: 'hello-js', files: { 'index.js': mark(workers.get('hello-world/js/src/index.js')) } })
    expect(await (await get('hello-js', '/')).text()).to.equal('Hello World!')
  })

  it('runs the Workers template "hello-world" in TypeScript with a marker', async () => {
    await platform.deploy({ name: 'hello-ts', source: mark(workers.get('hello-world/ts/src/index.ts')) })
    expect(await (await get('hello-ts', '/')).text()).to.equal('Hello World!')
  })

  it('runs the Workers template "hello-world-with-assets" with a marker', async () => {
    await platform.deploy({ name: 'assets', files: { 'index.js': mark(workers.get('hello-world-with-assets/js/src/index.js')) } })
    expect(await (await get('assets', '/message')).text()).to.equal('Hello, World!')
    expect(await (await get('assets', '/random')).text()).to.match(/^[0-9a-f-]{36}$/)
    expect((await get('assets', '/other')).status).to.equal(404)
  })

  it('runs the Workers template "scheduled" with a marker', async () => {
    await platform.deploy({ name: 'scheduled', files: { 'index.js': mark(workers.get('scheduled/js/src/index.js')) } })
    expect(await (await get('scheduled', '/')).text()).to.contain('/__scheduled?cron=')
  })

  it('runs the worker of the Workers template "react" with a marker', async () => {
    await platform.deploy({ name: 'react', files: { 'index.js': mark(workers.get('react/workers/js/worker/index.js')) } })
    expect(await (await get('react', '/api/')).json()).to.deep.equal({ name: 'Cloudflare' })
  })

  it('runs the Workers template "openapi", six files over chanfana, hono and zod, with a marker', async () => {
    const files: Record<string, string> = {}
    for (const [path, text] of workers) {
      if (path.startsWith('openapi/ts/src/')) files[path.slice('openapi/ts/'.length)] = path.endsWith('src/index.ts') ? mark(text) : text
    }
    await platform.deploy({ name: 'openapi', files, entry: 'src/index.ts' })
    const tasks = (await (await get('openapi', '/api/tasks')).json()) as { success: boolean; tasks: unknown[] }
    expect(tasks.success).to.equal(true)
    const refused = await get('openapi', '/api/tasks', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect(refused.status).to.equal(400)
    const document = (await (await get('openapi', '/openapi.json')).json()) as { paths: object }
    expect(document.paths).to.include.keys('/api/tasks')
  })

  it('runs the Netlify template "hello-world" behind an entry of three lines', async () => {
    const template = netlify.get('javascript/hello-world/{{name}}.mjs') ?? ''
    await platform.deploy({
      name: 'netlify-hello-world',
      files: { 'hello-world.mjs': template, 'index.js': `import handler from './hello-world.mjs'\n${marker}export default { fetch: handler }\n` },
    })
    expect(await (await get('netlify-hello-world', '/?name=Ada')).text()).to.equal('Hello Ada')
  })

  it('runs the Netlify template "hello" behind an entry of three lines', async () => {
    const template = netlify.get('javascript/hello/{{name}}.js') ?? ''
    await platform.deploy({
      name: 'netlify-hello',
      files: { 'hello.js': template, 'index.js': `import handler from './hello.js'\n${marker}export default { fetch: handler }\n` },
    })
    const response = await get('netlify-hello', '/')
    expect(response.headers.get('content-type')).to.equal('text/html')
    expect(await response.text()).to.equal('Hello, World!')
  })

  it('runs the app from the README of hono with a marker', async () => {
    await platform.deploy({ name: 'hono-readme', source: mark(codeBlock(await readme('hono'))) })
    expect(await (await get('hono-readme', '/')).text()).to.equal('Hono!')
  })

  it('runs the router from the README of itty-router with a marker', async () => {
    await platform.deploy({ name: 'itty-readme', source: mark(codeBlock(await readme('itty-router'))) })
    expect(await (await get('itty-readme', '/hello/Ada')).json()).to.equal('Hello, Ada!')
    expect(await (await get('itty-readme', '/json')).json()).to.deep.equal([1, 2, 3])
  })

  it('runs an h3 app', async () => {
    await platform.deploy({
      name: 'h3',
      source: `import { H3 } from 'h3'\nconst app = new H3().get('/greet/:name', (event) => ({ greeting: event.context.params.name }))\n${marker}export default app`,
    })
    expect(await (await get('h3', '/greet/Ada')).json()).to.deep.equal({ greeting: 'Ada' })
  })

  it('renders Markdown over marked', async () => {
    await platform.deploy({
      name: 'markdown',
      source: `import { marked } from 'marked'\n${marker}export default async (input: { text: string }) => ({ html: await marked.parse(input.text) })`,
    })
    const { output } = await platform.invoke('markdown', { text: '# Title\n\nsome *text*' })
    expect(output).to.deep.equal({ html: '<h1>Title</h1>\n<p>some <em>text</em></p>\n' })
  })

  it('draws a QR code over uqr', async () => {
    await platform.deploy({
      name: 'qr',
      source: `import { renderSVG } from 'uqr'\n${marker}export default { fetch: (request: Request) => new Response(renderSVG(new URL(request.url).search), { headers: { 'content-type': 'image/svg+xml' } }) }`,
    })
    const response = await get('qr', '/?hello')
    expect(response.headers.get('content-type')).to.equal('image/svg+xml')
    expect(await response.text()).to.match(/^<svg .*<\/svg>$/s)
  })

  it('writes a PDF over pdf-lib', async () => {
    await platform.deploy({
      name: 'pdf',
      source: `import { PDFDocument } from 'pdf-lib'
        ${marker}export default { async fetch() {
          const document = await PDFDocument.create()
          document.addPage([200, 100]).drawText('Invoice 1')
          return new Response(await document.save(), { headers: { 'content-type': 'application/pdf' } })
        } }`,
    })
    const bytes = Buffer.from(await (await get('pdf', '/')).arrayBuffer())
    expect(bytes.subarray(0, 5).toString()).to.equal('%PDF-')
  })

  it('fills a template over mustache and reads CSV over papaparse, both CommonJS', async () => {
    await platform.deploy({
      name: 'mail-merge',
      files: {
        'index.js': `const Mustache = require('mustache')
          const Papa = require('papaparse')
          ${marker}module.exports = ({ csv, template }) => Papa.parse(csv, { header: true }).data.map((row) => Mustache.render(template, row))`,
      },
    })
    const { output } = await platform.invoke('mail-merge', { csv: 'name,age\nAda,36\nAlan,41', template: '{{name}} is {{age}}' })
    expect(output).to.deep.equal(['Ada is 36', 'Alan is 41'])
  })

  it('validates over zod', async () => {
    await platform.deploy({
      name: 'zod',
      source: `import { z } from 'zod'\nconst Order = z.object({ id: z.string().min(2), quantity: z.number().int() })\n${marker}export default (input: unknown) => Order.safeParse(input).success`,
    })
    expect((await platform.invoke('zod', { id: 'ab', quantity: 1 })).output).to.equal(true)
    expect((await platform.invoke('zod', { id: 'a', quantity: 1.5 })).output).to.equal(false)
  })
})
