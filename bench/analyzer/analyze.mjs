/**
 * Analysis of an upload: rules, type check, schemas, validators, bundle, all in one answer; beside `tsc --noEmit` and esbuild over the same files
 * as a developer runs them, alternating in one run. And how long a deployment holds up the host. A platform that has just started warms its
 * analyzer, so the first deployment meets a process that is being warmed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createAnalyzer } from '@cordon/analyzer'
import { createPlatform } from '@cordon/core'
import { median, quantile, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'
import { countLines, large, small } from './sources.mjs'

const require = createRequire(import.meta.url)
const options = { packages: { from: '/', allow: [] }, analyzer: { enforce: true, rules: {}, ruleModules: [] } }

function uploadOf(files) {
  const encoder = new TextEncoder()
  return { files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, encoder.encode(text)])) }
}

/** The processes of analyzers: their own and the bundler's, which they tell a reaper. */
const processes = new Set()
const reaper = { watch: (pid) => void processes.add(pid), unwatch: (pid) => void processes.delete(pid), close: async () => undefined }

/** CPU time that the living processes of analyzers have used, in milliseconds; unlike the clock it does not count what else runs. Linux only. */
function processCpuMs() {
  let ticks = 0
  for (const pid of processes) {
    // After the name in parentheses, which may hold anything: state, parent, …; user and system time are the 12th and 13th field.
    const fields = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ') : []
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  // A hundred a second, whatever the kernel counts in.
  return ticks * 10
}

async function timed(run) {
  const start = performance.now()
  const value = await run()
  return [performance.now() - start, value]
}

async function analyzed(analyzer, files) {
  const [ms, analysis] = await timed(() => analyzer.analyze(uploadOf(files), options))
  if (!analysis.ok || analysis.diagnostics.length > 0) throw new Error(`the sample is wrong: ${JSON.stringify(analysis.diagnostics)}`)
  return ms
}

/** What the samples use of the platform. */
const ambient = `declare module 'node:*'
interface Context {
  db: { query<T>(text: string, values?: unknown[]): Promise<{ rows: T[] }> }
  log: { info(message: string, fields?: object): void }
}
`

/** The native compiler of the repository, and esbuild as a command, each a process of its own as in a build script. */
async function writeReference(folder) {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
  const esbuild = join(dirname(require.resolve('esbuild/package.json')), 'bin/esbuild')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'ambient.d.ts'), ambient)
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--noImplicitAny', 'false', '--target', 'esnext', '--module', 'esnext']
  return async (files) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const start = performance.now()
    execFileSync(
      process.execPath,
      [tsc, ...flags, '--moduleResolution', 'bundler', '--allowImportingTsExtensions', '--types', '', 'index.ts', 'ambient.d.ts'],
      {
        cwd: folder,
        stdio: 'inherit',
      },
    )
    execFileSync(esbuild, ['index.ts', '--bundle', '--platform=node', '--format=esm', '--outfile=out.js', '--log-level=warning'], {
      cwd: folder,
      stdio: 'inherit',
    })
    return performance.now() - start
  }
}

async function compare({ name, sample, rounds, target, analyzer, reference }) {
  const ours = []
  const theirs = []
  let usedMs = 0
  await analyzed(analyzer, sample(-1))
  for (let round = 0; round < rounds; round++) {
    const before = processCpuMs()
    ours.push(await analyzed(analyzer, sample(round)))
    usedMs += processCpuMs() - before
    theirs.push(await reference(sample(round)))
  }
  report(`${name}, median`, median(ours), 'ms', target)
  report(`${name}, fastest`, Math.min(...ours), 'ms')
  report('  in CPU time of the analyzer and the bundler, mean', usedMs / rounds, 'ms')
  report('  to tsc --noEmit and esbuild, median of ratios', median(ours.map((ms, round) => ms / theirs[round])), 'x')
}

/**
 * Longest turn of the host's event loop while `run` goes on, in milliseconds: as the clock has it, and in CPU time of the host, which other
 * processes on the same cores do not lengthen.
 */
async function longestTurn(run) {
  const longest = { wallMs: 0, cpuMs: 0 }
  let last = performance.now()
  let used = process.cpuUsage()
  let isDone = false
  function look() {
    const { user, system } = process.cpuUsage(used)
    used = process.cpuUsage()
    const now = performance.now()
    longest.wallMs = Math.max(longest.wallMs, now - last)
    // Other threads of the host count too; a turn is no longer than the clock says.
    longest.cpuMs = Math.max(longest.cpuMs, Math.min(now - last, (user + system) / 1000))
    last = now
    if (!isDone) setImmediate(look)
  }
  setImmediate(look)
  await run()
  isDone = true
  return longest
}

function reportTurns(name, turns) {
  report(
    `longest turn of the host, ${name}`,
    quantile(
      turns.map(({ wallMs }) => wallMs),
      1,
    ),
    'ms',
    20,
  )
  report(
    '  in CPU time of the host',
    quantile(
      turns.map(({ cpuMs }) => cpuMs),
      1,
    ),
    'ms',
    20,
  )
}

const cold = []
const coldCpu = []
const coldRatios = []
await withScratch(async (folder) => {
  const reference = await writeReference(folder)
  for (let round = 0; round < 3; round++) {
    const analyzer = createAnalyzer({ processes: 1, reaper })
    const ms = await analyzed(analyzer, small(1000 + round))
    cold.push(ms)
    coldCpu.push(processCpuMs())
    coldRatios.push(ms / (await reference(small(1000 + round))))
    await analyzer.close()
  }
  report('first analysis, start of the process included', median(cold), 'ms', 1200)
  report('  in CPU time of the analyzer and the bundler', median(coldCpu), 'ms')
  report('  to tsc --noEmit and esbuild, median of ratios', median(coldRatios), 'x')

  const analyzer = createAnalyzer({ processes: 1, reaper })
  await analyzer.warm()
  // A process that serves for a while, not the first seconds of one.
  for (let round = 0; round < 20; round++) await analyzed(analyzer, small(500 + round))
  await compare({ name: `${countLines(small(0))} lines, warm`, sample: small, rounds: 21, target: 60, analyzer, reference })
  await compare({
    name: `${countLines(large(0))} lines in ${Object.keys(large(0)).length} files, warm`,
    sample: large,
    rounds: 9,
    target: 400,
    analyzer,
    reference,
  })
  const again = []
  for (let round = 0; round < 50; round++) again.push(await analyzed(analyzer, small(20)))
  report('the same 20 lines again', median(again), 'ms')
  await analyzer.close()
})

await withScratch(async (folder) => {
  const reference = await writeReference(folder)
  const dataDir = join(folder, 'data')
  // The first start makes the database.
  await (await createPlatform({ dataDir })).close()
  const first = []
  const ratios = []
  for (let round = 0; round < 3; round++) {
    const platform = await createPlatform({ dataDir })
    try {
      const [ms] = await timed(() => platform.deploy({ name: 'first', files: small(2000 + round) }))
      first.push(ms)
      ratios.push(ms / (await reference(small(2000 + round))))
    } finally {
      await platform.close()
    }
  }
  report('first deployment, right after createPlatform', median(first), 'ms', 1200)
  report('  to tsc --noEmit and esbuild, median of ratios', median(ratios), 'x')
})

await withScratch(async (dataDir) => {
  const platform = await createPlatform({ dataDir })
  try {
    await platform.deploy({ name: 'first', files: small(0) })
    const turns = []
    for (let round = 1; round <= 9; round++) turns.push(await longestTurn(() => platform.deploy({ name: 'first', files: small(round) })))
    reportTurns('deploying 20 lines', turns)
    const bulky = { ...large(0), 'data.json': JSON.stringify(Array.from({ length: 60_000 }, (_, at) => `entry ${at}`)) }
    const more = []
    for (let round = 0; round < 3; round++) {
      const files = { ...bulky, 'lib/extra.ts': `export const extra = ${round}\n` }
      more.push(await longestTurn(() => platform.deploy({ name: 'bulky', files })))
    }
    reportTurns('2 000 lines and 1 MB', more)
  } finally {
    await platform.close()
  }
})
