import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from '@cordon/contracts'
import { expect } from 'chai'
import { runCordon, type Run } from './support/run-cordon.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('cordon config', () => {
  let folder: string

  beforeEach(async () => {
    folder = await temporaryFolder('cordon-config-')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  function cordon(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
    return runCordon(args, { cwd: folder, env })
  }

  async function effective(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ReadonlyMap<unknown, Record<string, unknown>>> {
    const { code, stdout, stderr } = await cordon(['--json', 'config', ...args], env)
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    const body: unknown = JSON.parse(stdout)
    const options = isRecord(body) && Array.isArray(body['options']) ? body['options'].filter((one) => isRecord(one)) : []
    return new Map(options.map((one) => [one['option'], one]))
  }

  it('lets flags win over the environment, it over the file, and the file over defaults', async () => {
    await writeFile(join(folder, 'limit.ts'), 'export const timeoutMs: number = 1000\n')
    await writeFile(
      join(folder, 'cordon.config.ts'),
      `import { timeoutMs } from './limit.ts'
import { cpus } from 'node:os'
const memoryMb: number = cpus().length > 0 ? 64 : 0
export default { dataDir: './file', limits: { timeoutMs, memoryMb, concurrency: 2 }, allow: { approve: () => true } } satisfies object
`,
    )
    const options = await effective(['--data-dir', './flag'], {
      CORDON_DATA_DIR: './environment',
      CORDON_LIMITS: '{"memoryMb":32,"concurrency":3}',
      CORDON_LIMITS_CONCURRENCY: '4',
      CORDON_LIMITS_QUEUE_MS: '',
      CORDON_CPUS: '0, 1',
      CORDON_ALLOW_NET: 'a.example.com,*.example.org',
      CORDON_ALLOW_LIMITS_MEMORY_MB: '256',
      CORDON_ANALYZER_ENFORCE: 'false',
    })
    const file = join(folder, 'cordon.config.ts')
    expect(options.get('dataDir')).to.deep.include({ value: join(folder, 'flag'), origin: 'flag', source: '--data-dir' })
    expect(options.get('limits.timeoutMs')).to.deep.include({ value: 1000, origin: 'file', source: file })
    expect(options.get('limits.memoryMb')).to.deep.include({ value: 32, origin: 'environment', source: 'CORDON_LIMITS' })
    expect(options.get('limits.concurrency')).to.deep.include({ value: 4, origin: 'environment', source: 'CORDON_LIMITS_CONCURRENCY' })
    expect(options.get('limits.queueMs')).to.deep.equal({ option: 'limits.queueMs', value: 5000, origin: 'default' })
    expect(options.get('cpus')).to.deep.include({ value: [0, 1], origin: 'environment' })
    expect(options.get('allow.net')).to.deep.include({ value: ['a.example.com', '*.example.org'] })
    expect(options.get('allow.limits.memoryMb')).to.deep.include({ value: 256 })
    expect(options.get('allow.approve')).to.deep.include({ value: '(function)', origin: 'file' })
    expect(options.get('analyzer.enforce')).to.deep.include({ value: false })
  })

  it('shows no password, from wherever it comes', async () => {
    const url = 'postgres://me:first@part:word@db.example.com,db2/app?sslmode=require&sslpassword=second'
    const shown = 'postgres://me:***@db.example.com,db2/app?sslmode=require&sslpassword=***'
    await writeFile(join(folder, 'cordon.config.mjs'), `export default { databaseUrl: ${JSON.stringify(url)} }\n`)
    for (const { args, env } of [
      { args: [], env: {} },
      { args: [], env: { CORDON_DATABASE_URL: url } },
      { args: ['--database-url', url], env: {} },
    ]) {
      const text = await cordon(['config', ...args], env)
      expect(text.stdout)
        .to.include(shown)
        .and.not.match(/first|word@|second/)
    }
    const key = '0123456789abcdef'.repeat(4)
    const options = await effective([], { CORDON_SECRETS_KEY: `${key},${key}` })
    expect(options.get('databaseUrl')).to.deep.include({ value: shown, origin: 'file' })
    expect(options.get('secretsKey')).to.deep.include({ value: '***', source: 'CORDON_SECRETS_KEY' })
    expect((await cordon(['config'], { CORDON_SECRETS_KEY: key.slice(1) })).stderr)
      .to.include('CORDON_SECRETS_KEY')
      .and.not.include('0123')
  })

  it('names the variable that is wrong and does not repeat a URL', async () => {
    const { code, stderr } = await cordon(['config'], { CORDON_LIMITS_MEMORY_MB: 'much' })
    expect(code).to.equal(2)
    expect(stderr).to.equal('Cannot use option "CORDON_LIMITS_MEMORY_MB": expected an integer from 16 to 16384, got "much"\n')
    const url = await cordon(['config'], { CORDON_DATABASE_URL: 'mysql://me:secret@host' })
    expect(url.stderr).to.include('CORDON_DATABASE_URL').and.not.include('secret')
  })

  it('says which variables mean nothing, and what was meant', async () => {
    const { code, stderr } = await cordon(['config'], { CORDON_LIMIT_MEMORY_MB: '64', CORDON_XYZ: '\u001b[2J', CORDON_URL: 'http://localhost' })
    expect(code).to.equal(0)
    expect(stderr).to.include('CORDON_LIMIT_MEMORY_MB is not one that Cordon knows; did you mean CORDON_LIMITS_MEMORY_MB?\n')
    expect(stderr)
      .to.match(/CORDON_XYZ is not one that Cordon knows\n/)
      .and.not.include('CORDON_URL')
  })

  it('names the file and the place where it goes wrong', async () => {
    await writeFile(join(folder, 'throws.ts'), "interface A {\n  b: string\n}\nconst a: A = { b: 'sorry' }\nthrow new Error(a.b)\n")
    expect(await cordon(['--config', 'throws.ts', 'config'])).to.include({ code: 2, stderr: 'Cannot use the config file throws.ts:5:7: sorry\n' })
    await writeFile(join(folder, 'syntax.mjs'), 'export default {\n  limits: {,\n}\n')
    expect((await cordon(['--config', 'syntax.mjs', 'config'])).stderr).to.match(/^Cannot use the config file syntax\.mjs:2:12: /)
    expect((await cordon(['--config', 'absent.ts', 'config'])).stderr).to.equal('Cannot use the config file absent.ts: there is no such file\n')
  })

  it('holds for the other commands', async () => {
    await writeFile(
      join(folder, 'cordon.config.js'),
      "export default { dataDir: './elsewhere', databaseUrl: 'postgres://nobody@127.0.0.1:1/none' }\n",
    )
    const status = await cordon(['--json', 'db', 'status'])
    expect(status.code).to.equal(3)
    expect(status.stderr).to.include('127.0.0.1:1')
  })
})
