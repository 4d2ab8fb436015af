import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runChild } from './child.mjs'
import { reportProgress } from './progress.mjs'
import { SetupProblem } from './problem.mjs'

/** Codes and words in npm's output that mean that the registry was out of reach. */
const offline = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED|EIDLETIMEOUT)\b/

/** Longest wait for an answer of the registry, in milliseconds. */
const pingMs = 10_000

/**
 * Runs npm in `folder` with progress on stderr.
 *
 * @param {string} folder
 * @param {string[]} args
 * @param {{ command: string, onPid?: (pid: number) => void }} options `command`: what to tell the user to run again
 */
export async function runNpm(folder, args, { command, onPid }) {
  const progress = reportProgress('Installing packages')
  const { code, output } = await startOnOrOffline(folder, args, onPid).catch((error) => {
    progress.end(false)
    if (error.code !== 'ENOENT') throw error
    throw new SetupProblem(
      `Cannot install the packages: the command "npm" is not on the PATH. Install npm (it comes with Node), then run "${command}" again.`,
    )
  })
  progress.end(code === 0)
  if (code === 0) return
  if (offline.test(output)) {
    throw new SetupProblem(
      `Cannot install the packages: the npm registry cannot be reached. Connect to the network (or set a proxy with "npm config set proxy"), then run "${command}" again.`,
    )
  }
  throw new SetupProblem(
    `${output.trim()}\nCannot install the packages: npm ended with code ${code} (its words are above). Solve that, then run "${command}" again.`,
  )
}

/**
 * npm repeats every request for minutes when the registry is out of reach. One short question first tells; without an answer
 * npm is asked to use its cache alone, which either has everything or fails at once.
 */
async function startOnOrOffline(folder, args, onPid) {
  const ping = await startNpm(folder, ['ping', '--fetch-retries=0', `--fetch-timeout=${pingMs}`, '--loglevel=error'], onPid)
  const isOffline = ping.code !== 0 && offline.test(ping.output)
  return startNpm(folder, isOffline ? [...args, '--offline'] : args, onPid)
}

function startNpm(folder, args, onPid) {
  // The npm that runs us is the one to use: its path is in the environment of every npm script.
  const script = process.env['npm_execpath']
  const options = { cwd: folder, env: { ...process.env, ...writableCache() }, onPid }
  if (script !== undefined && /npm-cli\.[cm]?js$/.test(script)) return runChild(process.execPath, [script, ...args], options)
  return process.platform === 'win32' ? runChild('npm.cmd', args, { ...options, shell: true }) : runChild('npm', args, options)
}

/** npm fails without a cache it can write to; a HOME that is read-only gets a temporary one. */
function writableCache() {
  const configured = process.env['npm_config_cache'] || join(homedir(), '.npm')
  if (isWritable(configured)) return {}
  const cache = mkdtempSync(join(tmpdir(), 'cordon-npm-'))
  process.once('exit', () => rmSync(cache, { recursive: true, force: true }))
  return { npm_config_cache: cache }
}

/** True when `path`, or the nearest folder above it that exists, can be written. */
function isWritable(path) {
  for (let current = path; ; current = dirname(current)) {
    try {
      accessSync(current, constants.W_OK)
      return true
    } catch (error) {
      if (error.code !== 'ENOENT' || dirname(current) === current) return false
    }
  }
}
