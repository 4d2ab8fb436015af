import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root, setUp } from '../bootstrap/setup.mjs'
import { repositoryChecks } from './repository.mjs'
import { listPackages } from './sources.mjs'

/**
 * `npm run check`: every check there is, each on a line with its time; exit code 1 when one fails. `npm run check -- lint types`
 * runs those whose name contains one of the words.
 */
async function runChecks(words) {
  await setUp({ command: 'npm run check' })
  const own = Object.entries(repositoryChecks).map(([name, check]) => [name, () => runOwn(check)])
  const steps = { ...toolSteps(), ...Object.fromEntries(own) }
  const failed = []
  for (const [name, step] of Object.entries(steps)) {
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue
    const startedAt = Date.now()
    const output = await step()
    console.log(`${output === null ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)
    if (output === null) continue
    failed.push(name)
    console.log(output.trimEnd().replace(/^/gm, '       '))
  }
  console.log(failed.length === 0 ? 'All checks passed' : `Failed: ${failed.join(', ')}`)
  if (failed.length > 0) process.exitCode = 1
}

/** Foreign tools, as their command lines. */
function toolSteps() {
  const packages = listPackages(root).map(({ path }) => path)
  return {
    types: async () => runTool('typescript/bin/tsc', ['-b']),
    lint: async () => runTool('oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']),
    format: async () => runTool('oxfmt/bin/oxfmt', ['--check']),
    knip: async () => runTool('knip/bin/knip.js', ['--no-progress']),
    ...Object.fromEntries(packages.map((path) => [`publint ${path}`, async () => runTool('publint/src/cli.js', ['--strict', path])])),
    ...Object.fromEntries(
      packages.map((path) => [`attw ${path}`, async () => runTool('@arethetypeswrong/cli/dist/index.js', ['--profile', 'esm-only', '--pack', path])]),
    ),
  }
}

/** @returns {string | null} the output of a failure */
function runTool(script, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return status === 0 ? null : `${stdout}${stderr}`
}

/** @returns {Promise<string | null>} the output of a failure */
async function runOwn(check) {
  const problems = await check(root)
  return problems.length === 0 ? null : problems.join('\n')
}

await runChecks(process.argv.slice(2))
