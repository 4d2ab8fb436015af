import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, PlatformError } from '@cordon/core'
import { loadSettings, type LoadSettingsOptions } from '@cordon/core/settings'
import { listOptions, platformOptionTable } from '@cordon/contracts'
import { expect } from 'chai'

const listed = listOptions(platformOptionTable({ workingDirectory: '/app', isProduction: false }))

describe('settings', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cordon-settings-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function refusal(from: LoadSettingsOptions): Promise<string> {
    try {
      await loadSettings({ folder, environment: {}, ...from })
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'INVALID_OPTION') return error.message
      throw error
    }
    throw new Error('expected a refusal')
  }

  async function refusalOfFile(text: string, importTimeoutMs?: number): Promise<string> {
    await writeFile(join(folder, 'cordon.config.mts'), text)
    return refusal({ importTimeoutMs })
  }

  it('give every option a variable of its own, but for what only code can say', () => {
    const variables = listed.map(({ variable }) => variable)
    expect(new Set(variables).size).to.equal(variables.length)
    expect(variables).to.include.members(['CORDON_DATA_DIR', 'CORDON_DATABASE_URL', 'CORDON_LIMITS_TIMEOUT_MS', 'CORDON_ALLOW_LIMITS_MEMORY_MB'])
    expect(listed.filter(({ row }) => row.form === undefined && row.rows === undefined).map(({ path }) => path)).to.have.members([
      'analyzer.ruleModules',
      'allow.approve',
      'logger',
      'authenticate',
    ])
  })

  it('read every default of the table back from its variable', async () => {
    const environment: Record<string, string> = {}
    const expected: [string, unknown][] = []
    for (const { path, variable, row } of listed) {
      const value = row.default()
      if (row.form === undefined || value === undefined) continue
      environment[variable] = typeof value === 'string' ? value : JSON.stringify(value)
      expected.push([path, value])
    }
    const settings = await loadSettings({ folder, environment })
    const { options, warnings } = settings
    expect(warnings).to.deep.equal([])
    expect(options.limits).to.include({ timeoutMs: 5000, reuse: true })
    const found = new Map(settings.effective().map((one) => [one.option, one]))
    for (const [path] of expected) expect(found.get(path)).to.include({ origin: 'environment' })
  })

  it('are nothing when nothing is given', async () => {
    expect((await loadSettings({ folder, environment: { CORDON_DATA_DIR: '', CORDON_ALOW: '' } })).options).to.deep.equal({})
    expect(defineConfig({ limits: { memoryMb: 64 } })).to.deep.equal({ limits: { memoryMb: 64 } })
  })

  it('change no prototype', async () => {
    expect(await refusal({ environment: { CORDON_LIMITS: '{"__proto__":{"polluted":1}}' } })).to.include('CORDON_LIMITS.__proto__')
    expect(await refusal({ environment: { CORDON_ANALYZER_RULES: '{"__proto__":"off"}' } })).to.include('__proto__')
    const { options } = await loadSettings({ folder, environment: { CORDON_ALLOW_TENANTS: '{"__proto__":{"database":false}}' } })
    expect(Object.keys(options.allow?.tenants ?? {})).to.deep.equal(['__proto__'])
    expect({}).not.to.have.property('database')
    expect(await refusalOfFile('export default JSON.parse(\'{"limits":{"__proto__":{"a":1}}}\')')).to.include('limits.__proto__')
  })

  it('refuse what does not fit, however it is written', async () => {
    for (const [variable, values] of Object.entries({
      CORDON_LIMITS_TIMEOUT_MS: ['1e3', '0x10', '1.5', '99999999999999999999', ' ', '9'.repeat(100_000), 'NaN', '-1'],
      CORDON_LIMITS_REUSE: ['yes', 'TRUE', '2'],
      CORDON_LIMITS: ['{', '[]', 'null', '"text"', '{"timeoutMs":"5"}', '{"unknown":1}', '['.repeat(50_000)],
      CORDON_CPUS: ['a', '0,', '[0,"1"]', '-1', ','],
      CORDON_PACKAGES_ALLOW: ['hono,,zod', '[1]', '[', '{}x,'],
      CORDON_TENANCY: ['Schema'],
      CORDON_ALLOW_APPROVE: ['true'],
      CORDON_ALLOW: ['{"approve":true}', '{"limits":{"memoryMb":1}}'],
      CORDON_ANALYZER: ['{"ruleModules":["/rules.js"]}'],
    })) {
      for (const value of values) {
        const message = await refusal({ environment: { [variable]: value } })
        expect(message, value.slice(0, 40)).to.include(variable)
        expect(message.length).to.be.below(1000)
      }
    }
  })

  it('refuse files that export something else', async () => {
    for (const [text, reason] of Object.entries({
      'export const a = 1': 'no default export',
      'export default () => ({})': 'a value of type function',
      'export default Promise.resolve({})': 'a promise',
      'export default class A {}': 'a value of type function',
      'export default [1]': 'a list',
      'export default null': 'null',
      'export default { limits: { timeoutMS: 1 } }': 'limits.timeoutMS',
      'export default { get limits() { throw new Error("gone") } }': 'gone',
      'throw { toString() { throw 1 } }': 'cannot be read',
      'export default {}\nimport "./absent.ts"': 'cordon.config.mts:2:8',
      'import "no-such-package"': 'no-such-package',
    }))
      expect(await refusalOfFile(text), text)
        .to.include(reason)
        .and.to.include('cordon.config.mts')
  })

  it('wait for a file that awaits, but not for ever', async () => {
    expect(await refusalOfFile('await new Promise(() => {})\nexport default {}', 50)).to.include('did not end within 50 ms')
    await writeFile(join(folder, 'cordon.config.mts'), 'export default await Promise.resolve({ cpus: [0] })')
    expect((await loadSettings({ folder, environment: {} })).options).to.deep.equal({ cpus: [0] })
  })

  it('load what is not TypeScript where it is, and refuse two files', async () => {
    await writeFile(join(folder, 'here.mjs'), 'export const url = import.meta.url\n')
    await writeFile(
      join(folder, 'cordon.config.ts'),
      "import { url } from './here.mjs'\nexport default { dataDir: url + ' ' + import.meta.url } as object\n",
    )
    const { options } = await loadSettings({ folder, environment: {} })
    expect(options.dataDir).to.match(/^file:.*\/here\.mjs file:.*\/cordon\.config\.ts$/)
    await writeFile(join(folder, 'cordon.config.mjs'), 'export default {}\n')
    expect(await refusal({})).to.include('there is cordon.config.mjs too')
  })
})
