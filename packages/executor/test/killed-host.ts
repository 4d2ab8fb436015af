// A host that is killed by its test: prints the numbers of its processes, then that it has come to the stage that was asked for.
import type { Capabilities } from '@cordon/contracts'
import { createExecutor, createReaper } from '@cordon/executor'
import { childrenOf, fetchFrom, invoke, versionOfCode } from './harness.ts'

const [level, stage, guard] = process.argv.slice(2)
const reaper = guard === 'alone' ? undefined : createReaper()
const sandboxes = new Set<number>()
const spares = 3
let isAtStage = false

/** Notes that the stage is reached, or another process: the test wants both. */
function check(): void {
  if (isAtStage && sandboxes.size >= spares) console.log('reached')
}

function reach(): void {
  isAtStage = true
  check()
}

const executor = await createExecutor({
  hardening: level === 'basic' ? 'basic' : 'best-effort',
  reaper,
  spares,
  onSandbox({ pid, state }) {
    if (state === 'booting') {
      sandboxes.add(pid)
      console.log(pid)
      if (stage === 'booting') isAtStage = true
      check()
    }
    if (state === stage && stage !== 'booting' && stage !== 'idle') reach()
  },
})
const limits = { timeoutMs: 60_000, loadTimeoutMs: 60_000 }
const capabilities: Capabilities = {
  async call() {
    if (stage === 'looping') reach()
    return { fields: [], rows: [], rowCount: 0 }
  },
  end: async () => undefined,
}

if (stage === 'streaming') {
  const code = `const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) })
    handOver({ default: { fetch: () => new Response(endless()) } })`
  const { body } = await fetchFrom(executor, versionOfCode(code, limits), '/').response
  await body?.getReader().read()
  reach()
} else if (stage === 'compiling') {
  const large = Array.from({ length: 40_000 }, (_none, index) => `function number${index}() { return [${index}, ${index}, ${index}] }`).join('\n')
  const isReaper = ({ command }: { command: string }) => command.includes('reaper-process')
  const parent = (await childrenOf(process.pid)).find(isReaper)?.pid ?? process.pid
  let compiling: number[] = []
  for (let looks = 0; compiling.length === 0; looks++) {
    // Again with another version: on a busy machine the process may come and go between two looks.
    if (looks % 50 === 0) await invoke(executor, versionOfCode(`${large}; handOver({ default: () => ${looks} })`, limits))
    compiling = (await childrenOf(parent)).map(({ pid }) => pid).filter((pid) => !sandboxes.has(pid))
  }
  console.log(compiling.join('\n'))
  reach()
} else if (stage === 'idle') {
  // It lives until it is killed.
  setInterval(() => undefined, 60_000)
  await invoke(executor, versionOfCode('handOver({ default: () => 1 })'))
  reach()
} else {
  const code = stage === 'loading' ? 'for (;;);' : 'handOver({ default: (input, ctx) => ctx.db.query("go").then(() => { for (;;); }) })'
  void invoke(executor, versionOfCode(code, limits), undefined, { capabilities })
}
