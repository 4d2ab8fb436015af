import { spawn } from 'node:child_process'

/** Characters of output that are kept to explain a failure. */
const maxOutput = 20_000

/**
 * Runs a program to its end and keeps its output. A signal that would end us ends it first, so that no installer or compiler
 * works on after an interrupted set-up.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { onPid?: (pid: number) => void, onOutput?: (chunk: string) => void }} options `onPid` learns the
 * process id, `onOutput` gets what it prints
 * @returns {Promise<{ code: number | string, output: string }>} `code` is the exit code, or the name of the signal that ended it
 */
export function runChild(program, args, { onPid, onOutput, ...options }) {
  return new Promise((resolve, reject) => {
    let output = ''
    function keep(chunk) {
      output = (output + chunk).slice(-maxOutput)
      onOutput?.(chunk)
    }
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    if (child.pid !== undefined) onPid?.(child.pid)
    let ending = null
    const stops = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      function stop() {
        ending = signal
        child.kill(signal)
      }
      process.on(signal, stop)
      return () => process.off(signal, stop)
    })
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      for (const off of stops) off()
      if (ending !== null) process.kill(process.pid, ending)
      else resolve({ code: code ?? signal, output })
    })
  })
}
