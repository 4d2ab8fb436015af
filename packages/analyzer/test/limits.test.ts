import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createAnalyzer } from '@cordon/analyzer'
import { PlatformError, type Reaper } from '@cordon/contracts'
import { expect } from 'chai'
import { files, fixtureFolder, options, upload } from './harness.ts'

const handler = '\n/** @function */ export default () => x\n'

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error instanceof PlatformError ? error.code : String(error)),
  )
}

/** Resolves when a process is gone, or is only waiting to be collected. */
async function gone(pid: number): Promise<void> {
  const { existsSync, readFileSync } = await import('node:fs')
  while (existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
    await new Promise((resolve) => setImmediate(resolve))
}

describe('analyzer limits', () => {
  const analyzer = createAnalyzer({ processes: 1 })
  after(() => analyzer.close())

  it('refuses uploads that are too large before anything reads them', async () => {
    expect(await codeOf(analyzer.analyze({ files: { 'index.ts': new Uint8Array(1_000_001) } }, options()))).to.equal('ANALYSIS_LIMIT')
    const many = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`${at}.ts`, new Uint8Array(900_000)]))
    expect(await codeOf(analyzer.analyze({ files: many }, options()))).to.equal('ANALYSIS_LIMIT')
  })

  for (const path of ['../a.ts', '/a.ts', 'a//b.ts', './a.ts', 'a\\b.ts', 'a\0.ts', '']) {
    it(`refuses the path ${JSON.stringify(path)}`, async () => {
      expect(await codeOf(analyzer.analyze({ files: { ...files({ [path]: '1' }) } }, options()))).to.equal('DEPLOYMENT_REJECTED')
    })
  }

  const hostile: Record<string, string> = {
    'nested arrays': `const x = ${'['.repeat(200_000)}${']'.repeat(200_000)}`,
    'nested types': `type A = ${'['.repeat(200_000)}${']'.repeat(200_000)}; const x = 1`,
    'a chain of members': `const x = y${'.a'.repeat(200_000)}`,
    'an enum that doubles': `enum E { A0 = 'xxxxxxxx', ${Array.from({ length: 40 }, (_, at) => `A${at + 1} = \`\${A${at}}\${A${at}}\``).join(', ')} } const x = E.A40`,
    'a long enum used often': `enum E { A = '${'x'.repeat(50_000)}' } const x = [${'E.A,'.repeat(50_000)}]`,
  }
  for (const [name, source] of Object.entries(hostile)) {
    it(`gives up on ${name}, and the next analysis is fine`, async () => {
      expect(await codeOf(analyzer.analyze(upload(source + handler), options()))).to.equal('ANALYSIS_LIMIT')
      expect((await analyzer.analyze(upload('const x = 1' + handler), options())).ok).to.equal(true)
    })
  }

  it('gives up on nested JSON', async () => {
    const json = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(await codeOf(analyzer.analyze(upload({ 'index.ts': `import x from './x.json'${handler}`, 'x.json': json }), options()))).to.equal(
      'ANALYSIS_LIMIT',
    )
  })

  it('refuses a bundle that is larger than a sandbox should hold', async () => {
    const names = ['a', 'b', 'c']
    const source = `${names.map((one) => `import ${one} from 'p/${one}.txt'`).join('\n')}\nconst x = [${names.join()}]${handler}`
    const texts = Object.fromEntries(names.map((one) => [`node_modules/p/${one}.txt`, one.repeat(7_000_000)]))
    const large = upload({ 'index.ts': source, 'node_modules/p/package.json': '{"name":"p"}', ...texts })
    const refused = await analyzer.analyze(large, options()).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(PlatformError).and.include({ code: 'ANALYSIS_LIMIT' })
    expect(String(refused)).to.match(/its bundle, packages included, holds 2100\d{4} bytes, and 20000000 are allowed/)
  })

  it('is not slowed down by types that never end', async () => {
    const bomb = 'type B<T extends unknown[], N> = T["length"] extends N ? T : B<[...T, ...T], N>; type X = B<[1], 99999999>; const x = 1'
    expect((await analyzer.analyze(upload(bomb + handler), options())).ok).to.equal(true)
  })

  it('replaces a process that takes too long or too much memory', async () => {
    const seen = new Set<number>()
    const reaper: Reaper = { watch: (pid) => void seen.add(pid), unwatch: () => undefined, close: async () => undefined }
    const small = createAnalyzer({ processes: 1, timeLimitMs: 1, reaper })
    // Linux counts processor time in hundredths of a second, and this takes many.
    const long = Array.from({ length: 20_000 }, (_, at) => `const f${at} = (given: { x: ${at} }) => given.x`).join('\n')
    expect(await codeOf(small.analyze(upload(`${long}\nconst x = 1${handler}`), options()))).to.equal('ANALYSIS_LIMIT')
    expect(await codeOf(small.analyze(upload(`${long}\nconst x = 1${handler}`), options()))).to.equal('ANALYSIS_LIMIT')
    await small.close()
    expect(seen.size).to.be.greaterThan(1)
    await Promise.all([...seen].map(gone))
  })

  it('ends the bundler of a process that is killed in the middle of its work', async () => {
    const seen = new Set<number>()
    const reaper: Reaper = { watch: (pid) => void seen.add(pid), unwatch: () => undefined, close: async () => undefined }
    const busy = createAnalyzer({ processes: 1, timeLimitMs: 1000, reaper })
    // esbuild repeats the whole line in each of its hundred thousand messages.
    const source = `const x = 1;${'let a;'.repeat(100_000)}`
    expect(await codeOf(busy.analyze(upload(source + handler), options()))).to.equal('ANALYSIS_LIMIT')
    await busy.destroy()
    await Promise.all([...seen].map(gone))
  })

  it('replaces a process that was killed while it was idle, whether it is known or not', async () => {
    const pids: number[] = []
    const reaper: Reaper = { watch: (pid) => void pids.push(pid), unwatch: () => undefined, close: async () => undefined }
    const killed = createAnalyzer({ processes: 2, reaper })
    await killed.warm()
    // The event loop does not run in between, so nobody noticed.
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    expect((await killed.analyze(upload('const x = 1' + handler), options())).ok).to.equal(true)
    const second = pids.slice(-2)
    for (const pid of second) process.kill(pid, 'SIGKILL')
    await Promise.all(second.map(gone))
    const known = pids.length
    const running = killed.analyze(upload('const y = 2' + handler), options())
    // What is at work needs no warming, and another one would hold it up.
    await killed.warm()
    expect((await running).ok).to.equal(true)
    expect(pids.slice(known)).to.have.length(2)
    await killed.close()
    // Three starts of a process.
  }).timeout(60_000)

  it('runs as many analyses at once as it has processes, and the others after them', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => analyzer.analyze(upload('const x = 1' + handler), options())))
    expect(results.every((one) => one.ok)).to.equal(true)
  })

  it('says CLOSED after close, and when it is destroyed meanwhile', async () => {
    const closing = createAnalyzer()
    const running = codeOf(closing.analyze(upload('const x = 1' + handler), options()))
    await closing.destroy()
    expect(await running).to.equal('CLOSED')
    expect(await codeOf(closing.analyze(upload(''), options()))).to.equal('CLOSED')
    expect(await codeOf(closing.warm())).to.equal('CLOSED')
    await closing.close()
  })

  it('refuses unknown options', () => {
    expect(() => createAnalyzer({ processes: 0 })).to.throw(PlatformError, 'analyzer.processes')
  })

  it('leaves no process behind when the host is killed', async () => {
    const host = spawn(process.execPath, [`${fixtureFolder}host.mjs`, new URL('../dist/index.js', import.meta.url).href], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(createInterface(host.stdout), 'line')
    host.kill('SIGKILL')
    const pids: unknown = JSON.parse(String(line))
    if (!Array.isArray(pids) || pids.length === 0) throw new Error('there is no process')
    await Promise.all(pids.map((pid) => gone(Number(pid))))
  })
})
