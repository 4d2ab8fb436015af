import { createAnalyzer } from '@cordon/analyzer'
import { limitTable, resolveOptions, type Executor, type Outcome } from '@cordon/contracts'
import { createExecutor, createThreadExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { unpack } from '../dist/deploy/unpack/unpack.js'
import { tarGz, zip } from './support/archives.ts'

const mark = '/** @function */ '

interface Thrown {
  readonly name: string
  readonly stack: string
  readonly cause?: Thrown
}

describe('places in the source of a function', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  let executor: Executor
  let count = 0
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())
  before(() => analyzer.warm())
  after(() => analyzer.close())

  async function run(deployment: object, on: Executor = executor): Promise<Outcome> {
    const options = { packages: { from: import.meta.dirname, allow: [] }, analyzer: { enforce: false, rules: {}, ruleModules: [] } }
    const { bundle, diagnostics } = await analyzer.analyze(await unpack(deployment), options)
    if (bundle === undefined) throw new Error(JSON.stringify(diagnostics, null, 1))
    const version = {
      tenant: 'default',
      function: `places-${++count}`,
      version: 'v_0000000000000001',
      limits: resolveOptions(limitTable, {}),
      env: {},
      loadBundle: async () => bundle,
    }
    return on.invoke(version, {
      invocationId: 'inv_1',
      user: null,
      inputJson: '{}',
      request: { method: 'POST', url: '/', path: '/', query: {}, headers: {} },
      capabilities: { call: async () => null, end: async () => undefined },
    })
  }

  function thrownBy(outcome: Outcome): Thrown {
    if (outcome.kind === 'success') throw new Error('it succeeded')
    return outcome.error.details['error'] as Thrown
  }

  /** The frames of a stack, without what stands in front of them. */
  function framesOf(stack: string): string[] {
    return stack.split('\n').flatMap((line) => /^\s+at (.*)$/.exec(line)?.[1] ?? [])
  }

  const files = {
    'src/index.ts': `import { fail } from './deep/fail.ts'

interface Left { out: 1 }

${mark}export default function handler() {
  console.log('here')
  return fail()
}`,
    'src/deep/fail.ts': `export function fail(): never {\n  throw new RangeError('no')\n}`,
    'package.json': '{"main":"src/index.ts"}',
  }
  const forms: Record<string, () => object | Promise<object>> = {
    files: () => ({ files }),
    'a .tar.gz with a folder at the top': async () => ({ archive: await tarGz(inFolder(files)) }),
    'a .zip with a folder at the top': () => ({ archive: zip(inFolder(files)) }),
  }
  for (const [name, make] of Object.entries(forms)) {
    it(`are those of the user's own files for ${name}`, async () => {
      const outcome = await run(await make())
      expect(framesOf(thrownBy(outcome).stack)).to.deep.equal(['fail (src/deep/fail.ts:2:9)', 'handler (src/index.ts:7:10)'])
      expect(outcome.logs[0]).to.include({ message: 'here', location: 'src/index.ts:6:11' })
    })
  }

  it('are the same in a thread', async () => {
    const threads = await createThreadExecutor()
    const outcome = await run({ files }, threads)
    expect(framesOf(thrownBy(outcome).stack)).to.deep.equal(['fail (src/deep/fail.ts:2:9)', 'handler (src/index.ts:7:10)'])
    expect(outcome.logs[0]).to.include({ message: 'here', location: 'src/index.ts:6:11' })
    await threads.close()
  })

  const stacks: Record<string, { files: Record<string, string>; frames: string[] }> = {
    'asynchronous calls': {
      files: {
        'index.ts': `async function one() {\n  await 0\n  throw new Error('later')\n}\nasync function two() {\n  await one()\n}\n${mark}export default async function handler() {\n  await two()\n}`,
      },
      frames: ['one (index.ts:3:9)', 'async two (index.ts:6:3)', 'async handler (index.ts:9:3)'],
    },
    'the top of a module': {
      files: { 'index.ts': `import './a.ts'\n${mark}export default () => 1`, 'a.ts': `\nconst x: any = undefined\nx.y()` },
      frames: ['a.ts:3:3'],
    },
    'the top of a module that is loaded late': {
      files: { 'index.ts': `${mark}export default async function handler() {\n  await import('./a.ts')\n}`, 'a.ts': `\nthrow new Error('late')` },
      frames: ['a.ts:2:7', 'index.ts:2:9', 'async handler (index.ts:2:3)'],
    },
    'CommonJS of a package': {
      files: {
        'index.ts': `import p from 'p'\n${mark}export default function handler() {\n  return p()\n}`,
        'node_modules/p/package.json': '{"name":"p","version":"1.0.0"}',
        'node_modules/p/index.js': `module.exports = function boom() {\n  throw new Error('p')\n}`,
      },
      frames: ['boom (node_modules/p/index.js:2:9)', 'handler (index.ts:3:10)'],
    },
    'functions that share their name with others': {
      files: {
        'index.ts': `import { help as other } from './a.ts'\nfunction help() {\n  throw new Error(String(other))\n}\n${mark}export default function handler() {\n  help()\n}`,
        'a.ts': `export function help() {}`,
      },
      frames: ['help (index.ts:3:9)', 'handler (index.ts:6:3)'],
    },
    TSX: {
      files: {
        'index.tsx': `/** @jsxRuntime classic */\n/** @jsx h */\nfunction h(tag: unknown): unknown {\n  if (typeof tag === 'function') return tag()\n  throw new Error('jsx')\n}\nconst Card = () => (\n  <b>x</b>\n)\n${mark}export default function handler() {\n  return <Card />\n}`,
      },
      frames: ['h (index.tsx:5:9)', 'Card (index.tsx:8:3)', 'h (index.tsx:4:41)', 'handler (index.tsx:11:10)'],
    },
    'a timer': {
      files: {
        'index.ts': `${mark}export default () => new Promise((_, reject) => setTimeout(function late() {\n  reject(new Error('t'))\n}, 1))`,
      },
      frames: ['Timeout.late [as _onTimeout] (index.ts:2:10)'],
    },
    'lines that end with CR LF': {
      files: { 'index.ts': `// one\r\n// two\r\n${mark}export default function handler() {\r\n  throw new Error('x')\r\n}\r\n` },
      frames: ['handler (index.ts:4:9)'],
    },
    'a handler with validators': {
      files: { 'index.ts': `${mark}export default function handler(input: { a?: Date }) {\n  throw new Error('x')\n}` },
      frames: ['handler (index.ts:2:9)'],
    },
  }
  for (const [name, { files: own, frames }] of Object.entries(stacks)) {
    it(`are in stacks through ${name}`, async () => expect(framesOf(thrownBy(await run({ files: own })).stack)).to.deep.equal(frames))
  }

  it('are in stacks that are logged', async () => {
    const outcome = await run({ source: `${mark}export default function handler() {\n  console.error(new Error('logged'))\n}` })
    expect(outcome.logs[0]?.message).to.equal('Error: logged\n    at handler (index.ts:2:17)')
  })

  it('of a log entry are those of the code that calls a logging package, from every way to log', async () => {
    const outcome = await run({
      files: {
        'index.ts': `import { info } from 'logs'\n${mark}export default function handler(_: unknown, ctx: Context) {\n  info('a')\n  ctx.log.warn('b')\n  console.table([1])\n  console.count()\n  process.stdout.write('c')\n}`,
        'node_modules/logs/package.json': '{"name":"logs","version":"1.0.0"}',
        'node_modules/logs/index.js': `exports.info = (text) => write(text)\nfunction write(text) {\n  console.info(text)\n}`,
      },
    })
    expect(outcome.logs.map((one) => one.location)).to.deep.equal([
      'index.ts:3:3',
      'index.ts:4:11',
      'index.ts:5:11',
      'index.ts:6:11',
      'index.ts:7:18',
    ])
  })

  it('do not stand in the way of functions that change how stacks look', async () => {
    const outcome = await run({
      source: `${mark}export default function handler() {\n  Error.stackTraceLimit = 0\n  console.log('a')\n  Object.freeze(Error)\n  console.log('b')\n  return Error.stackTraceLimit\n}`,
    })
    expect(outcome).to.include({ kind: 'success', outputJson: '0' })
    expect(outcome.logs.map((one) => [one.message, one.location])).to.deep.equal([
      ['a', 'index.ts:3:11'],
      ['b', undefined],
    ])
  })
})

function inFolder(files: Readonly<Record<string, string>>): { readonly name: string; readonly content: string }[] {
  return Object.entries(files).map(([path, content]) => ({ name: `top/${path}`, content }))
}
