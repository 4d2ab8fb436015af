import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { createPlatform, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { sideTypes } from '../dist/types/side-types.js'
import type * as clientModule from '../src/types/client.ts'
import { fixture, runCordon } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

/** What a user of the client may write, and what the compiler has to refuse. */
const program = `
import { CallError, createClient, type Functions } from './functions.js'

const client = createClient({ url: '', headers: () => ({ authorization: 'Bearer x' }) })
const input: Functions['everything']['input'] = {
  name: 'n', nickname: null, size: 3, tags: ['a'], pair: ['a', 1, true], scores: { a: 1 }, shape: { kind: 'circle', radius: 1 }, level: 'low',
  email: 'a@b.cd', at: new Date(), data: new Uint8Array(2), tree: { value: 'x', children: [{ value: 'y' }] }, where: null,
  from: { lat: 1, lon: 2 }, anything: [], either: { lat: 1, lon: 2 },
}
export async function use(): Promise<void> {
  const output = await client.invoke('everything', input)
  const at: string = output.at
  const day: string | undefined = output.when['today']
  const child: string | undefined = output.tree.children?.[0]?.value
  const shape = output.shape
  const size: number = shape.kind === 'circle' ? shape.radius : shape.side
  void [at, day, child, size, output.list[0]?.at]
  await client.invoke('everything', { ...input, at: '2026-01-01T00:00:00Z', data: 'AAE=', 'odd name-"quoted"': true })
  await client.invoke('maybe-none')
  await client.invoke('maybe-none', { a: 1 }, { signal: AbortSignal.timeout(1000) })
  const none: { a: number } | undefined = await client.invoke('maybe-none')
  await client.invoke('untyped', [1])
  await client.invoke('hand', { kind: 'x', extra: 1 })
  const page: Response = await client.fetch('web', '/a?b=c', { method: 'PUT' })
  void [none, page]
  // @ts-expect-error there is no such function
  await client.invoke('absent')
  // @ts-expect-error it is for the host only
  await client.invoke('internal')
  // @ts-expect-error an HTTP function is fetched
  await client.invoke('web')
  // @ts-expect-error a JSON function is called
  await client.fetch('everything')
  // @ts-expect-error it needs an input
  await client.invoke('everything')
  // @ts-expect-error
  const name: Functions['everything']['input'] = { ...input, name: 1 }
  // @ts-expect-error
  const named: Functions['everything']['input'] = { ...input, size: 'medium' }
  // @ts-expect-error
  const round: Functions['everything']['input'] = { ...input, shape: { kind: 'circle', side: 1 } }
  // @ts-expect-error
  const pair: Functions['everything']['input'] = { ...input, pair: [1, 'a'] }
  void [name, named, round, pair]
  // @ts-expect-error
  const level: Functions['everything']['input']['level'] = 'middle'
  // @ts-expect-error
  const scores: Functions['everything']['input']['scores'] = { a: 'b' }
  // @ts-expect-error
  const tree: Functions['everything']['input']['tree'] = { value: 'x', children: [{ value: 1 }] }
  try {
    await client.invoke('maybe-none')
  } catch (error) {
    if (error instanceof CallError) void [error.code?.length, error.issues[0]?.path]
  }
  void [level, scores, tree]
}
`

describe('types of a schema', () => {
  it('are none where definitions lead back to themselves, however many there are', () => {
    const count = 20_000
    const chain = (last: string) => Array.from({ length: count }, (_, at) => [`a${at}`, { $ref: `#/$defs/${at + 1 < count ? `a${at + 1}` : last}` }])
    const typesOf = (last: string) => {
      const $defs = { ...Object.fromEntries(chain(last)), end: { type: 'string' } }
      return sideTypes({ $ref: '#/$defs/a0', $defs }, { side: 'input', take: (name) => name })
    }
    expect(typesOf('end').aliases.slice(-2)).to.deep.equal([`type a${count - 1} = end`, 'type end = string'])
    expect(typesOf(`a${count / 2}`)).to.deep.equal({ text: 'unknown', aliases: [] })
  })
})

describe('cordon types', () => {
  let folder: string
  let platform: Platform
  let server: RunningServer

  before(async () => {
    folder = await temporaryFolder('cordon-types-')
    platform = await createPlatform({ dataDir: join(folder, '.cordon') })
    server = await serve(platform, { port: 0 })
    const deploy = (name: string, source: string, config = {}) =>
      platform.deploy({ name, source: `/** Is */ \n/** Ends *\\/ not here.\n * @function */\n${source}`, config })
    // Every kind of type; the tests of OpenAPI and MCP use it, too.
    await platform.deploy({ name: 'everything', path: fixture('../../../adapters/test/fixtures/everything.ts') })
    await deploy('maybe-none', 'export default async function maybe(input?: { a: number }): Promise<{ a: number } | undefined> { return input }')
    await deploy('untyped', 'export default async (input) => input')
    await deploy('internal', 'export default async () => 1', { access: 'internal' })
    await deploy('web', 'export default { fetch: async (request: Request) => new Response(request.method + " " + new URL(request.url).pathname) }')
    await deploy('hand', 'export default async (input: unknown) => input', {
      input: {
        description: 'Ends */ here',
        type: 'object',
        properties: {
          kind: { enum: ['x', '*/ "quoted"\u2028', null, [1], { a: 1 }] },
          'a"b\\c': { type: ['string', 'null'] },
          loop: { $ref: '#/$defs/a' },
        },
        required: ['kind'],
        additionalProperties: { type: 'integer' },
        allOf: [{ if: { properties: { kind: { const: 'x' } } }, else: {} }],
        $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [{ $ref: '#/$defs/a' }] } },
        tsType: 'string } export const evil: never',
      },
    })
  })
  after(async () => {
    await server.close()
    await platform.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('writes declarations that the compiler takes, and that refuse wrong calls', async () => {
    const { code, stderr } = await runCordon(['types', '--out', 'client/functions'], { cwd: folder })
    expect([code, stderr]).to.deep.equal([0, 'client/functions.d.ts and client/functions.js: 6 functions\n'])
    await writeFile(join(folder, 'client/package.json'), '{"type":"module"}')
    await writeFile(join(folder, 'client/use.ts'), program)
    expect(await compile(join(folder, 'client'), 'use.ts')).to.equal('')
    const text = await readFile(join(folder, 'client/functions.d.ts'), 'utf8')
    expect(text)
      .to.include('Gives back *some* of it.')
      .and.not.to.match(/evil|internal/)
    expect((await runCordon(['types'], { cwd: folder })).stdout).to.equal(text)
  })

  it('writes a client that calls functions as they are declared', async () => {
    await runCordon(['types', '--out', 'run/functions'], { cwd: folder })
    await writeFile(join(folder, 'run/package.json'), '{"type":"module"}')
    const { createClient, CallError } = (await import(pathToFileURL(join(folder, 'run/functions.js')).href)) as typeof clientModule
    const client = createClient({ url: `${server.url}/`, headers: { 'x-from': 'test' } })
    const at = new Date('2026-01-02T03:04:05.678Z')
    const input = {
      ...{ name: 'n', nickname: null, size: 3, tags: [], pair: ['a', 1], scores: {}, shape: { kind: 'circle', radius: 1 }, level: 'low' },
      ...{ email: 'a@b.cd', at, tree: { value: 'x' }, where: null, from: { lat: 1, lon: 2 }, anything: [], either: 1 },
    }
    for (const data of [new Uint8Array([0, 255]), Buffer.from([0, 255])]) {
      const output = (await client.invoke('everything', { ...input, data })) as Record<string, unknown>
      expect(output).to.deep.include({ at: at.toISOString(), data: 'AP8=', list: [{ at: at.toISOString() }] })
    }
    expect(await client.invoke('maybe-none')).to.equal(undefined)
    expect(await (await client.fetch('web', '/a/b', { method: 'PUT' })).text()).to.equal('PUT /a/b')
    const error: unknown = await client.invoke('everything', { ...input, data: '', name: 1 }).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(CallError).and.to.include({ status: 400, code: 'INVALID_INPUT', retryable: false })
    expect((error as { issues: { path: string }[] }).issues.map(({ path }) => path)).to.deep.equal(['/name'])
  })

  it('gives a module without functions, too, and refuses a path with an ending', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    for (const { name } of await platform.functions.list()) await platform.functions.remove(name)
    expect((await runCordon(['types', '--out', 'empty/functions'], { cwd: folder })).code).to.equal(0)
    await writeFile(
      join(empty, 'use.ts'),
      `import { createClient } from './functions.js'\n// @ts-expect-error\nvoid createClient({ url: '' }).invoke('x')\n`,
    )
    expect(await compile(empty, 'use.ts')).to.equal('')
    expect((await runCordon(['types', '--out', 'x.ts'], { cwd: folder })).code).to.equal(2)
  })

  /** What the compiler says; nothing when it is content. */
  function compile(cwd: string, file: string): Promise<string> {
    const tsc = createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace(/package\.json$/, 'bin/tsc')
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--noUncheckedIndexedAccess',
      '--target',
      'es2023',
      '--module',
      'nodenext',
      '--lib',
      'es2023,dom,dom.iterable',
    ]
    return new Promise((resolve) => execFile(process.execPath, [tsc, ...flags, file], { cwd }, (_error, stdout, stderr) => resolve(stdout + stderr)))
  }
})
