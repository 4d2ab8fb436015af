import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { runCordon, startCordon, type Running } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon dev', () => {
  let project: string
  let folder: string
  let dev: Running
  let url: string

  const source = (value: string) => `/** @function */\nexport default async function f() { console.log('called'); return '${value}' }\n`

  before(async () => {
    project = await temporaryFolder('cordon-dev-')
    // Taken when no folder is named.
    folder = join(project, 'functions')
    await mkdir(folder)
    await writeFile(join(folder, 'hello.ts'), source('one'))
    await mkdir(join(folder, 'shop'))
    await writeFile(
      join(folder, 'shop', 'index.ts'),
      "import { price } from './price.ts'\n/** @function */\nexport default async function shop() { return price }\n",
    )
    await writeFile(join(folder, 'shop', 'price.ts'), 'export const price = 5\n')
    await mkdir(join(folder, 'program'))
    await writeFile(join(folder, 'program', 'package.json'), '{"name":"program","private":true}')
    await writeFile(join(folder, 'program', 'run.mjs'), 'console.log(1)\n')
    await writeFile(join(folder, '1bad-name.ts'), source('x'))
    await writeFile(join(folder, '_helper.ts'), 'export const x = 1\n')
    await writeFile(join(folder, 'hello.test.ts'), 'throw new Error()\n')
    dev = startCordon(['dev', '--port', '0'], { cwd: project })
    url = (await dev.line(/^ready/)).split(/ +/)[1] ?? ''
  })
  after(async () => {
    dev.child.kill('SIGKILL')
    await rm(project, { recursive: true, force: true })
  })

  async function call(name: string): Promise<unknown> {
    const response = await fetch(`${url}/fn/${name}`)
    return response.status === 200 ? response.json() : response.status
  }

  it('serves every file and sub-folder, and says what is none', async () => {
    expect([await call('hello'), await call('shop'), await call('_helper')]).to.deep.equal(['one', 5, 404])
    expect(dev.output()).to.match(
      /^FUNCTION +KIND +ACCESS +ADDRESS\nhello +json +public +http:\S+\/fn\/hello\nshop +json +public +http:\S+\/fn\/shop\nready/m,
    )
    expect(dev.output()).to.contain('Cannot use "1bad-name.ts" as a function').and.not.to.contain('program')
    await dev.line(/^\d\d:\d\d:\d\d\.\d{3} call +hello \d/)
    expect(dev.output()).to.match(/info +hello called/)
  })

  it('reloads a function when its file or a file that it imports is saved', async () => {
    await writeFile(join(folder, 'hello.ts'), source('two'))
    await dev.line(/^deployed hello/)
    expect(await call('hello')).to.equal('two')
    await writeFile(join(folder, 'shop', 'price.ts'), 'export const price = 6\n')
    await dev.line(/^deployed shop/)
    expect(await call('shop')).to.equal(6)
  })

  it('keeps the last good version and shows the diagnostics when a save is broken', async () => {
    await writeFile(join(folder, 'hello.ts'), 'export default async function f( {\n')
    await dev.line(/DEPLOYMENT_REJECTED/)
    expect(await call('hello')).to.equal('two')
    await writeFile(join(folder, 'hello.ts'), source('three'))
    await dev.line(/^deployed hello/)
    expect(await call('hello')).to.equal('three')
  })

  it('does not lose the second of two quick saves', async () => {
    // The answer to a save with a syntax error comes within the time in which the watcher drops changes.
    for (let round = 0; round < 10; round++) {
      await writeFile(join(folder, 'hello.ts'), `export default ${round} {\n`)
      await dev.line(/DEPLOYMENT_REJECTED/)
      await writeFile(join(folder, 'hello.ts'), source(`round ${round}`))
      await dev.line(/^deployed hello/)
      expect(await call('hello')).to.equal(`round ${round}`)
    }
  })

  it('adds and removes functions with their files', async () => {
    await writeFile(join(folder, 'added.ts'), source("added' + ctx.secrets.DEV_KEY?.slice(9) + '").replace('f()', 'f(input: unknown, ctx)'))
    await dev.line(/^The secret DEV_KEY is not set: cordon secrets set DEV_KEY$/)
    await writeFile(join(folder, 'added.ts'), source('added'))
    await dev.line(/^deployed added/)
    await dev.line(/^deployed added/)
    expect(await call('added')).to.equal('added')
    await rm(join(folder, 'added.ts'))
    await dev.line(/^removed added/)
    expect(await call('added')).to.equal(404)
  })

  it('is found by the other commands', async () => {
    expect((await runCordon(['list'], { cwd: project })).stdout).to.match(/hello +json +v_/)
  })

  it('says in one sentence that its port is taken', async () => {
    const other = await temporaryFolder('cordon-dev-')
    try {
      const { code, stderr } = await runCordon(['dev', '.', '--port', new URL(url).port], { cwd: other })
      expect(code).to.equal(2)
      expect(stderr).to.match(/Cannot listen on 127\.0\.0\.1:\d+: another program uses this port.*: cordon dev --port <port>\n$/)
    } finally {
      await rm(other, { recursive: true, force: true })
    }
  })

  it('stops on Ctrl-C and leaves the data directory to others', async () => {
    expect(await dev.stop('SIGINT')).to.equal(0)
    expect((await runCordon(['list'], { cwd: project })).stdout).to.match(/shop +json +v_/)
  })
})
