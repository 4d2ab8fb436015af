// A host that is killed by its test: prints the numbers of its processes, then that it has come to the stage that was asked for.
import { createExecutor, createReaper } from '@cordon/executor'
import { invoke, versionOfCode } from './harness.ts'

const [level, stage, guard] = process.argv.slice(2)
const reaper = guard === 'alone' ? undefined : createReaper()
const executor = await createExecutor({
  hardening: level === 'basic' ? 'basic' : 'best-effort',
  reaper,
  spares: 3,
  onSandbox({ pid, state }) {
    if (state === 'booting') console.log(pid)
    if (state === stage && stage !== 'booting') console.log('reached')
  },
})
const code = stage === 'loading' ? 'for (;;);' : 'handOver({ default: (input, ctx) => ctx.db.query("go").then(() => { for (;;); }) })'
void invoke(executor, versionOfCode(code, { timeoutMs: 60_000, loadTimeoutMs: 60_000 }), undefined, {
  capabilities: {
    async call() {
      if (stage === 'looping') console.log('reached')
      return { fields: [], rows: [], rowCount: 0 }
    },
    end: async () => undefined,
  },
})
// All processes are on their way, none has come far.
if (stage === 'booting') console.log('reached')
