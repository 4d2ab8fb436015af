/**
 * Runs every benchmark but the long ones, or those named on the command line, by name or folder; those of call latency once pinned to one core and once
 * not. Flags are handed on: `npm run bench -- growth --write`.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describeMachine } from './measure.mjs'

const all = [
  { name: 'executor/invoke', pinnable: true },
  { name: 'executor/parallel', pinnable: true },
  { name: 'executor/first-call', pinnable: false },
  { name: 'executor/payload', pinnable: false },
  { name: 'executor/stream', pinnable: false },
  { name: 'executor/idle', pinnable: false },
  { name: 'executor/many-sandboxes', pinnable: false },
  { name: 'core/invoke', pinnable: true },
  { name: 'core/database', pinnable: false },
  { name: 'core/fetch', pinnable: false },
  { name: 'core/deploy', pinnable: false },
  { name: 'core/many-functions', pinnable: false },
  { name: 'core/import', pinnable: false },
  { name: 'pool/tenants', pinnable: false },
  { name: 'core/records', pinnable: false },
  { name: 'core/hosts', pinnable: false },
  { name: 'core/records-paging', pinnable: false, isLong: true },
  { name: 'adapters/http', pinnable: false },
  { name: 'adapters/many-functions', pinnable: false },
  { name: 'cli/reload', pinnable: false },
  { name: 'testing/ten-tests', pinnable: false },
  { name: 'analyzer/analyze', pinnable: false },
  { name: 'analyzer-quality', pinnable: false },
  { name: 'growth/calls-in-flight', pinnable: false },
  { name: 'growth/payload', pinnable: false },
  { name: 'growth/sandboxes', pinnable: false },
  { name: 'growth/functions', pinnable: false },
]

const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'))
const wanted = process.argv.slice(2).filter((argument) => !flags.includes(argument))
const unknown = wanted.filter((word) => !all.some(({ name }) => isNamed(name, word)))
if (unknown.length > 0) {
  console.error(`Unknown benchmark ${unknown.join(', ')}: expected ${all.map(({ name }) => name).join(', ')}, or a folder of them`)
  process.exit(2)
}

const hasTaskset = spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0
console.log(`# ${describeMachine()}`)
for (const { name, pinnable, isLong = false } of all) {
  if (wanted.length === 0 ? isLong : !wanted.some((word) => isNamed(name, word))) continue
  console.log(`\n# ${name}`)
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url))
  if (pinnable && hasTaskset) run('taskset', ['-c', '0', process.execPath, file, ...flags], { BENCH_PINNED: '1' })
  run(process.execPath, [file, ...flags], {})
}

function isNamed(name, word) {
  return name === word || name.startsWith(`${word}/`)
}

function run(command, args, env) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exitCode = 1
}
