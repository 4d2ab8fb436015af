/** `cordon dev`: from the save of a file to the first answer that comes from the new code. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median, quantile, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const saves = 15
const command = fileURLToPath(new URL('../bin/cordon.js', import.meta.resolve('@cordon/cli')))

await withScratch(async (folder) => {
  const functions = join(folder, 'functions')
  const file = join(functions, 'answer.ts')
  await mkdir(functions)
  const write = (answer) => writeFile(file, `/** @function */\nexport default async function answer(): Promise<number> { return ${answer} }\n`)
  await write(0)
  const dev = spawn(process.execPath, [command, '--data-dir', join(folder, 'data'), 'dev', functions, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = await readyUrl(dev)
    const times = []
    for (let save = 1; save <= saves; save++) {
      const from = performance.now()
      await write(save)
      while ((await callFunction(url)) !== save) await new Promise((resolve) => setTimeout(resolve, 2))
      times.push(performance.now() - from)
    }
    report('save to new answer, median', median(times), 'ms', 300)
    report('save to new answer, p90', quantile(times, 0.9), 'ms')
  } finally {
    dev.kill('SIGINT')
    await once(dev, 'exit')
  }
})

async function readyUrl(dev) {
  for await (const line of createInterface({ input: dev.stdout })) {
    const found = /ready\S* (http:\S+)/.exec(line)?.[1]
    if (found !== undefined) {
      dev.stdout.resume()
      return found
    }
  }
  throw new Error('cordon dev ended before it was ready')
}

async function callFunction(url) {
  const response = await fetch(`${url}/fn/answer`, { method: 'POST' })
  return response.json()
}
