import { createHandler, type Handler, type HandlerOptions } from '@cordon/adapters'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect } from 'chai'
import { fixture, openPlatform, type OpenPlatform } from './support/open-platform.ts'

type Json = Record<string, unknown>
interface Document {
  readonly openapi: string
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Record<string, Record<string, { readonly description?: string; readonly security: readonly Json[]; readonly responses: Json }>>
  readonly components: { readonly schemas: Record<string, Json>; readonly responses: Json; readonly securitySchemes?: Json }
}

describe('GET /openapi.json', () => {
  let opened: OpenPlatform
  let complaintsOfNone: readonly string[]
  const isUser: HandlerOptions = { authenticate: (request) => (request.headers.has('x-user') ? { user: { id: 'ada' } } : null) }

  before(async () => {
    opened = await openPlatform([])
    complaintsOfNone = await problemsOf(await read(createHandler(opened.platform)))
    const names = ['double', 'nothing', 'internal', 'members', 'web', 'everything', 'hostile-words', 'maybe']
    for (const name of names) await opened.platform.deploy({ name, path: fixture(name) })
  })
  after(() => opened.close())

  async function read(handle: Handler, headers: Record<string, string> = {}): Promise<Document> {
    const response = await handle(new Request('http://h/openapi.json', { headers }))
    expect(response.status).to.equal(200)
    return (await response.json()) as Document
  }

  async function problemsOf(document: unknown): Promise<readonly string[]> {
    const config = await createConfig({ extends: ['recommended'] })
    const found = await lintFromString({ source: JSON.stringify(document), config })
    return found.map(({ ruleId, severity, message, location }) => `${severity} ${ruleId}: ${message} at ${location[0]?.pointer ?? ''}`)
  }

  it('describes the functions without a complaint of a public linter', async () => {
    const handle = createHandler(opened.platform, isUser)
    expect(await problemsOf(await read(handle, { 'x-user': 'ada' }))).to.deep.equal([])
    expect(await problemsOf(await read(handle))).to.deep.equal([])
  })

  it('is clean without any function, too', () => {
    expect(complaintsOfNone).to.deep.equal([])
  })

  it('gives schemas, comments, errors and what has to be shown to be let in', async () => {
    const document = await read(createHandler(opened.platform, isUser), { 'x-user': 'ada' })
    expect(document.openapi).to.equal('3.1.0')
    expect(Object.keys(document.paths)).to.include.members(['/fn/double', '/fn/everything', '/fn/web', '/fn/members'])
    const everything = document.paths['/fn/everything']?.['post']
    expect(everything).to.deep.include({ operationId: 'everything', summary: 'Takes one of everything.', security: [] })
    expect(everything?.description).to.equal('Takes one of everything.\n\nGives back *some* of it.')
    expect(everything?.responses).to.include.keys('200', '400', '404', '413', '429', '502', '503', '504').and.not.to.include.keys('204', '401')
    expect(document.paths['/fn/nothing']?.['post']?.responses).to.include.keys('204')
    expect(document.paths['/fn/members']?.['post']?.security).to.deep.equal([{ credentials: [] }])
    expect(document.paths['/fn/members']?.['post']?.responses).to.include.keys('401')
    const input = document.components.schemas['everything.input']
    expect(input?.['properties']).to.deep.include({
      name: { type: 'string', description: 'Who it is for.', minLength: 1 },
      at: { type: 'string', format: 'date-time' },
    })
    expect(JSON.stringify(input)).to.include('"$ref":"#/components/schemas/everything.input/$defs/Point"').and.not.to.include('"#/$defs')
  })

  it('shows each caller what he may call, and nothing else', async () => {
    const handle = createHandler(opened.platform, isUser)
    const stranger = await read(handle)
    expect(Object.keys(stranger.paths)).to.include('/fn/double').and.not.to.include.members(['/fn/members', '/fn/internal'])
    expect(JSON.stringify(stranger)).not.to.match(/members|internal|credentials/)
    const known = await read(handle, { 'x-user': 'ada' })
    expect(Object.keys(known.paths)).to.include('/fn/members').and.not.to.include('/fn/internal')
    // Nobody can call those with access 'authenticated' where nobody is recognised.
    expect(Object.keys((await read(createHandler(opened.platform))).paths)).not.to.include('/fn/members')
  })

  it('renders nothing that a function has written for the readers', async () => {
    const document = await read(createHandler(opened.platform))
    const texts: string[] = []
    JSON.stringify(document, (key, value: unknown) => (key === 'description' && typeof value === 'string' ? (texts.push(value), value) : value))
    const all = texts.join('\n')
    expect(all)
      .to.include('&lt;script>')
      .and.not.to.match(/<[a-z/!?]|(?<!\\)\](\(\s*(java|data)|:)|!\[|&#/i)
    const words = document.components.schemas['hostile-words.input']
    // What looks like a keyword but is the name of a property stays one.
    expect(words?.['properties']).to.include.keys('$ref', 'constructor', 'properties')
    expect(words?.['required']).to.include.members(['constructor', '$ref'])
  })

  it('moves references of schemas that people wrote, and leaves out what cannot be moved', async () => {
    const deploy = (name: string, input: unknown) =>
      opened.platform.deploy({ name, source: '/** @function */\nexport default async () => 1', config: { input: input as Json } })
    await deploy('moved', {
      $ref: '#/definitions/a',
      definitions: { a: { allOf: [{ $ref: '#/definitions/b' }] }, b: { type: 'string', 'x-evil': 1 } },
    })
    await deploy('anchored', { $ref: '#here', $defs: { here: { $anchor: 'here', type: 'string' } } })
    // Two branches at each level: as many paths as there are numbers, and not one is followed.
    const levels = Array.from({ length: 60 }, (_, level) => [
      `l${level}`,
      { anyOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] },
    ])
    await deploy('bomb', { $ref: '#/$defs/l0', $defs: { ...(Object.fromEntries(levels) as Json), l60: { type: 'string' } } })
    try {
      const document = await read(createHandler(opened.platform))
      expect(document.components.schemas['moved.input']).to.deep.equal({
        $ref: '#/components/schemas/moved.input/definitions/a',
        definitions: { a: { allOf: [{ $ref: '#/components/schemas/moved.input/definitions/b' }] }, b: { type: 'string' } },
      })
      expect(document.components.schemas).not.to.have.property('anchored.input')
      expect(document.components.schemas).to.have.property('bomb.input')
      // What is odd about the schemas themselves is for their author.
      expect((await problemsOf(document)).filter((one) => one.startsWith('error'))).to.deep.equal([])
    } finally {
      for (const name of ['moved', 'anchored', 'bomb']) await opened.platform.functions.remove(name)
    }
  })

  it('is written anew when a function changes, and otherwise not even sent', async () => {
    const handle = createHandler(opened.platform, { basePath: '/cordon' })
    const get = (etag = '') => handle(new Request('http://h/cordon/openapi.json', { headers: { 'if-none-match': etag } }))
    const first = await get()
    expect(((await first.json()) as Document).servers).to.deep.equal([{ url: '/cordon' }])
    const etag = first.headers.get('etag') ?? ''
    expect((await get(etag)).status).to.equal(304)
    await opened.platform.deploy({ name: 'added', source: '/** @function */\nexport default async () => 1' })
    const second = await get(etag)
    expect(second.status).to.equal(200)
    expect(((await second.json()) as Document).paths).to.have.property('/fn/added')
    await opened.platform.functions.remove('added')
  })

  it('is there for GET and HEAD only', async () => {
    const handle = createHandler(opened.platform)
    const head = await handle(new Request('http://h/openapi.json', { method: 'HEAD' }))
    expect([head.status, await head.text()]).to.deep.equal([200, ''])
    const post = await handle(new Request('http://h/openapi.json', { method: 'POST' }))
    expect([post.status, post.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD'])
  })

  it('is not there when documents are switched off', async () => {
    const statusWith = async (docs: boolean) =>
      (await createHandler(opened.platform, { http: { docs } })(new Request('http://h/openapi.json'))).status
    expect([await statusWith(false), await statusWith(true)]).to.deep.equal([404, 200])
  })
})
