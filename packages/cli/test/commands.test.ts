import { mkdir, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { createPlatform, type Platform } from '@cordon/core'
import { expect } from 'chai'
import { hasTerminal, startAtTerminal } from './support/at-terminal.ts'
import { fixture, runCordon, startCordon, type Run } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon', function () {
  // Each command is a process of its own.
  this.timeout(60_000)
  let folder: string
  let platform: Platform
  let server: RunningServer

  before(async () => {
    folder = await temporaryFolder('cordon-cli-')
    platform = await createPlatform({ dataDir: join(folder, '.cordon') })
    server = await serve(platform, { port: 0 })
  })
  after(async () => {
    await server.close()
    await platform.close()
    await rm(folder, { recursive: true, force: true })
  })

  function cordon(...args: string[]): Promise<Run> {
    return runCordon(args, { cwd: folder })
  }

  describe('attached to a running host', () => {
    it('deploys, lists, calls, rolls back and deletes', async () => {
      const deployed = await cordon('deploy', fixture('greet.ts'))
      expect(deployed).to.include({ code: 0, stderr: '' })
      expect(deployed.stdout).to.match(/^deployed greet v_[0-9a-f]{16}\n$/)
      expect((await cordon('deploy', fixture('greet.ts'), '--name', 'greet')).stdout).to.match(/^unchanged greet/)
      expect((await cordon('list')).stdout).to.match(
        /^NAME +KIND +VERSION +ACCESS +UPDATED\ngreet +json +v_[0-9a-f]{16} +public +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n$/,
      )
      expect(JSON.parse((await cordon('invoke', 'greet', '{"name":"Ada"}')).stdout)).to.deep.equal({ greeting: 'Hello Ada' })
      await writeFile(join(folder, 'input.json'), '{"name":"file"}')
      expect((await cordon('invoke', 'greet', '--data', '@input.json')).stdout).to.contain('Hello file')
      expect((await runCordon(['invoke', 'greet', '--data', '-'], { cwd: folder, input: '{"name":"stdin"}' })).stdout).to.contain('Hello stdin')

      await writeFile(join(folder, 'greet.ts'), '/** @function */\nexport default async () => "second"\n')
      expect((await cordon('deploy', 'greet.ts', '--label', 'two')).code).to.equal(0)
      expect((await cordon('versions', 'greet')).stdout).to.match(/v_[0-9a-f]{16} +live .*two/)
      expect((await cordon('rollback', 'greet')).stdout).to.equal(deployed.stdout.replace('deployed', 'live'))
      expect((await cordon('delete', 'greet')).stdout).to.equal('deleted greet\n')
      expect(await cordon('invoke', 'greet')).to.include({ code: 1, stdout: '' })
    })

    it('prints the HTTP body with --json, also when it is a problem', async () => {
      const deployed = await cordon('--json', 'deploy', fixture('greet.ts'))
      expect(JSON.parse(deployed.stdout)).to.include({ name: 'greet', created: true })
      expect(JSON.parse((await cordon('--json', 'invoke', 'greet', '{"name":"Ada"}')).stdout)).to.deep.include({ output: { greeting: 'Hello Ada' } })
      const failed = await cordon('--json', 'invoke', 'absent')
      expect(JSON.parse(failed.stdout)).to.include({ code: 'FUNCTION_NOT_FOUND', status: 404 })
      expect(failed).to.include({ code: 1, stderr: '' })
    })

    it('shows why an upload is refused, with the place', async () => {
      const { code, stderr } = await cordon('deploy', fixture('refused.ts'))
      expect(code).to.equal(1)
      expect(stderr)
        .to.contain('DEPLOYMENT_REJECTED')
        .and.to.match(/refused\.ts:1:\d+ error function-marker/)
      expect(stderr.match(/has no @function marker/g), 'told once').to.have.length(1)
      expect(stderr).to.match(/\n {2}> 1 \| export default async function refused\(\) \{\n {6}\| \^+\n/)
    })

    it('colours the place of a diagnostic, unless NO_COLOR is set', async () => {
      const plain = await runCordon(['deploy', fixture('refused.ts')], { cwd: folder, env: { FORCE_COLOR: '1' } })
      const coloured = await runCordon(['deploy', fixture('refused.ts')], { cwd: folder, env: { FORCE_COLOR: '1', NO_COLOR: '' } })
      expect(plain.stderr).not.to.include('\u001b')
      // oxlint-disable-next-line no-control-regex
      expect(coloured.stderr).to.match(/\u001b\[31m +\^+\u001b\[39m/)
      // oxlint-disable-next-line no-control-regex
      expect(coloured.stderr.replaceAll(/\u001b\[\d+m/g, '')).to.equal(plain.stderr)
    })

    it('shows functions nothing that steers the terminal', async () => {
      await cordon('deploy', fixture('steals-the-terminal.ts'), '-n', 'steal')
      const runs = [await cordon('invoke', 'steal'), await cordon('invoke', 'steal', '{"fail":true}'), await cordon('logs', 'steal')]
      expect(runs.map((run) => run.code)).to.deep.equal([0, 1, 0])
      // oxlint-disable-next-line no-control-regex
      for (const { stdout, stderr } of runs) expect(stdout + stderr).not.to.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/)
      expect(runs[2]?.stdout).to.contain('\\x1b[2Jcleared').and.to.contain('\\nforged line')
    })

    it('follows logs until Ctrl-C', async () => {
      await cordon('deploy', fixture('greet.ts'))
      const logs = startCordon(['logs', 'greet', '-f', '--since', '0'], { cwd: folder })
      await platform.invoke('greet', { name: 'one' })
      await logs.line(/greeting one/)
      await platform.invoke('greet', { name: 'two' })
      await logs.line(/greeting two/)
      expect(await logs.stop()).to.equal(0)
    })

    it('says that the platform stopped when it does while logs are followed', async () => {
      const other = await temporaryFolder('cordon-cli-')
      const host = startCordon(['dev', other, '--port', '0'], { cwd: other })
      try {
        await host.line(/^ready/)
        await runCordon(['deploy', fixture('greet.ts')], { cwd: other })
        const logs = startCordon(['logs', '-f', '--since', '0'], { cwd: other })
        await runCordon(['invoke', 'greet', '{"name":"one"}'], { cwd: other })
        await logs.line(/greeting one/)
        await host.stop()
        await logs.line(/^Cannot follow the logs any longer: the platform has stopped$/)
        expect(await logs.stop('SIGCONT')).to.equal(3)
      } finally {
        host.child.kill('SIGKILL')
        await rm(other, { recursive: true, force: true })
      }
    })

    it('adds what the code imports: files beside it and packages from node_modules', async () => {
      const project = join(folder, 'project')
      await mkdir(join(project, 'node_modules', 'tiny', 'lib'), { recursive: true })
      await mkdir(join(project, 'functions'))
      await writeFile(join(project, 'node_modules/tiny/package.json'), '{"name":"tiny","version":"1.2.3","type":"module","exports":"./lib/index.js"}')
      await writeFile(join(project, 'node_modules/tiny/lib/index.js'), "export { tiny } from './part.js'\n")
      await writeFile(join(project, 'node_modules/tiny/lib/part.js'), "export const tiny = 'tiny'\n")
      await writeFile(join(project, 'shared.ts'), "export const shared: string = 'shared'\n")
      await writeFile(
        join(project, 'functions', 'both.ts'),
        "import { tiny } from 'tiny'\nimport { shared } from '../shared.ts'\n/** @function */\nexport default async function both() { return [tiny, shared] }\n",
      )
      const { code, stdout } = await cordon('deploy', '--yes', 'project/functions/both.ts')
      expect([code, stdout.split('\n').slice(1)]).to.deep.equal([0, ['  + package tiny', '']])
      expect(JSON.parse((await cordon('invoke', 'both')).stdout)).to.deep.equal(['tiny', 'shared'])
    })
  })

  describe('what may use more than the live version', () => {
    const source = (rights: string) => `/** @function */\nexport default async (input: unknown, ctx) => [${rights}]\n`

    before(async () => {
      await writeFile(join(folder, 'grows.ts'), source(''))
      expect((await cordon('deploy', 'grows.ts')).code).to.equal(0)
      await writeFile(join(folder, 'grows.ts'), source('ctx.secrets.API_KEY, fetch("https://api.example.com")'))
    })

    it('is refused with the difference and its places where nobody can be asked', async () => {
      const { code, stdout, stderr } = await cordon('deploy', 'grows.ts')
      expect([code, stdout]).to.deep.equal([1, ''])
      expect(stderr).to.match(/grows\.ts:2:\d+ error policy\n.*The secret "API_KEY" is new/)
      expect(stderr).to.match(/\n {2}\+ net api\.example\.com\n {2}\+ secret API_KEY\nNothing was deployed\. .*--yes\n$/)
      const json = await cordon('deploy', 'grows.ts', '--json')
      expect(JSON.parse(json.stdout)).to.have.property('capabilities').with.property('added').with.length(2)
      expect(json).to.include({ code: 1, stderr: '' })
      expect((await platform.functions.versions('grows')).length).to.equal(1)
    })

    it('is shown by --dry-run, which deploys nothing', async () => {
      expect(await cordon('deploy', 'grows.ts', '--dry-run')).to.deep.include({
        code: 0,
        stdout: 'would deploy grows\n  + net api.example.com\n  + secret API_KEY\n',
      })
      const refused = await cordon('deploy', fixture('refused.ts'), '--dry-run')
      expect(refused).to.include({ code: 1, stdout: 'would be refused refused\n' })
      expect((await platform.functions.versions('grows')).length).to.equal(1)
    })

    if (!hasTerminal) it.skip('is asked about at a terminal (skipped: there is no "script" command that makes a terminal)')
    else {
      it('is asked about at a terminal, where only yes deploys it and Ctrl-C is exit code 130', async () => {
        for (const [keys, exitCode] of [
          ['\r', 1],
          ['\u0003', 130],
          ['\u0004', 130],
          ['y\r', 0],
        ] as const) {
          const asked = startAtTerminal(['deploy', 'grows.ts'], { cwd: folder })
          await asked.sees('+ secret API_KEY')
          await asked.sees('Deploy grows? [y/N] ')
          expect((await platform.functions.versions('grows')).length).to.equal(1)
          asked.type(keys)
          expect(await asked.exited).to.equal(exitCode)
          expect(asked.shown()).not.to.match(/^ +at /m)
        }
        expect((await platform.functions.versions('grows')).length).to.equal(2)
        // Nothing is new any more.
        expect((await cordon('deploy', 'grows.ts')).stdout).to.match(/^unchanged grows/)
      })
    }
  })

  describe('secrets', () => {
    it('come from standard input, are listed with who reads them, and are removed', async () => {
      await platform.deploy({ name: 'reader', source: '/** @function */\nexport default async (_: unknown, ctx) => ctx.secrets.TOKEN.length\n' })
      expect((await cordon('secrets', 'list')).stdout).to.match(/^NAME +SET +READ BY\n(.*\n)*TOKEN +not set +reader\n/)
      expect(await runCordon(['secrets', 'set', 'TOKEN'], { cwd: folder, input: 'two\nlines\n' })).to.include({ code: 0, stdout: 'set TOKEN\n' })
      expect((await cordon('invoke', 'reader')).stdout).to.equal('9\n')
      expect((await cordon('secrets', 'list')).stdout).to.match(/TOKEN +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +reader\n/)
      expect(Object.keys((JSON.parse((await cordon('secrets', 'list', '--json')).stdout) as { items: object[] }).items[0] ?? {})).to.include('name')
      expect((await cordon('secrets', 'remove', 'TOKEN')).stdout).to.equal('removed TOKEN\n')
      expect(await cordon('secrets', 'remove', 'TOKEN')).to.deep.include({ code: 1, stdout: '' })
    })

    it('never come from the command line, and a wrong one is not repeated', async () => {
      const wrong = [
        await cordon('secrets', 'set', 'TOKEN', 's3cret'),
        await cordon('secrets', 'set', 'TOKEN'),
        await runCordon(['secrets', 'set', 'TOKEN'], { cwd: folder, input: 's3cret'.repeat(50_000) }),
        await runCordon(['secrets', 'set', '1BAD'], { cwd: folder, input: 's3cret' }),
      ]
      expect(wrong.map(({ code }) => code)).to.deep.equal([2, 2, 2, 2])
      expect(wrong.map(({ stdout, stderr }) => stdout + stderr).join('')).not.to.contain('s3cret')
    })

    if (hasTerminal) {
      it('are not shown when they are typed', async () => {
        const asked = startAtTerminal(['secrets', 'set', 'TYPED'], { cwd: folder })
        await asked.sees('Value of TYPED (not shown): ')
        asked.type('s3cret\r')
        expect(await asked.exited).to.equal(0)
        expect(asked.shown()).to.contain('set TYPED').and.not.to.contain('s3cret')
      })
    }
  })

  describe('a remote platform', () => {
    it('is reached by --url and --token', async () => {
      const elsewhere = { cwd: tmpdir() }
      expect((await runCordon(['list', '--url', server.url, '--token', server.token], elsewhere)).code).to.equal(0)
      expect((await runCordon(['list'], { ...elsewhere, env: { CORDON_URL: server.url, CORDON_TOKEN: server.token } })).code).to.equal(0)
      expect((await runCordon(['list', '--url', server.url, '--token', 'wrong'], elsewhere)).stderr).to.contain('UNAUTHENTICATED')
    })

    it('that is hostile steers no terminal, whatever it answers', async () => {
      const evil = '\u001b[2J\u001b]0;x\u0007\u009b\u202e\n'
      const entry = { name: evil, version: evil, label: evil, live: true, bytes: evil, level: evil, message: evil, function: evil, location: evil }
      const item = {
        ...entry,
        time: 1e300,
        updatedAt: 1e300,
        fields: { [evil]: evil },
        manifest: { handler: evil, config: { access: evil }, secrets: [evil] },
      }
      const problem = {
        code: evil,
        title: evil,
        detail: evil,
        diagnostics: [{ rule: evil, severity: 'error', message: evil, file: evil, line: 1, frame: evil }],
      }
      const answer = {
        ok: true,
        items: [item],
        name: evil,
        version: evil,
        migrations: [evil],
        capabilities: { added: [{ kind: evil, name: evil }], removed: [] },
      }
      const host = createHttpServer((request, response) => {
        response.statusCode = request.url?.endsWith('/deploy') === true ? 422 : 200
        response.end(JSON.stringify({ ...answer, ...problem }))
      }).listen(0, '127.0.0.1')
      await once(host, 'listening')
      const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}`
      const commands = [['list'], ['versions', 'x'], ['logs'], ['secrets', 'list'], ['rollback', 'x'], ['types'], ['deploy', fixture('greet.ts')]]
      const runs = await Promise.all([...commands, ['deploy', fixture('greet.ts'), '--dry-run']].map((args) => cordon(...args, '--url', url)))
      host.close()
      expect(runs.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0, 0, 0, 1, 0])
      // oxlint-disable-next-line no-control-regex
      for (const { stdout, stderr } of runs) expect(stdout + stderr).not.to.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]|^ +at /m)
    })

    it('that does not answer gives exit code 3 and one sentence', async () => {
      const closed = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => closed.once('listening', resolve))
      const address = closed.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      await new Promise((resolve) => closed.close(resolve))
      const { code, stderr } = await cordon('list', '--url', `http://127.0.0.1:${port}`)
      expect(code).to.equal(3)
      expect(stderr).to.match(/^Cannot reach the platform at http:\/\/127\.0\.0\.1:\d+: .*\n$/)
    })
  })

  it('gives exit code 2 for wrong usage, before anything is started', async () => {
    const wrong = [
      ['frob'],
      ['deploy'],
      ['deploy', 'absent.ts'],
      ['invoke', 'greet', '{'],
      ['invoke', 'greet', '1', '--data', '2'],
      ['invoke', 'greet', '-d', '@absent'],
      ['list', '--url', 'ftp://x'],
      ['--frob', 'list'],
      ['dev', 'absent'],
    ]
    const runs = await Promise.all(wrong.map((args) => runCordon(args, { cwd: tmpdir() })))
    expect(runs.map((run) => run.code)).to.deep.equal(wrong.map(() => 2))
    for (const { stderr } of runs) expect(stderr).not.to.match(/^ +at /m)
    expect(runs[0]?.stderr).to.contain("unknown command 'frob'")
    expect(runs[1]?.stderr).to.contain('cordon deploy --help shows its options and examples')
    expect((await cordon('--help')).code).to.equal(0)
    expect(await cordon('--version')).to.deep.include({ code: 0, stdout: '0.1.0\n' })
    expect((await cordon('deploy', fixture('greet.ts'), '--name', '../x')).code).to.equal(2)
  })

  describe('without a running host', () => {
    it('says who uses the data directory when that is no server', async () => {
      await server.close()
      try {
        const { code, stderr } = await cordon('list')
        expect(code).to.equal(3)
        expect(stderr).to.contain(String(process.pid))
      } finally {
        server = await serve(platform, { port: 0 })
      }
    })
  })
})
