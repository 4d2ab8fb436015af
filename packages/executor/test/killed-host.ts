// A host that is killed by its test: prints the numbers of its sandboxes, then that a function loops for ever.
import { createExecutor, createReaper } from '@cordon/executor'
import { invoke, versionOfCode } from './harness.ts'

const hardening = process.argv[2] === 'basic' ? 'basic' : 'best-effort'
const reaper = createReaper()
const executor = await createExecutor({ hardening, reaper, onSandbox: ({ pid, state }) => state === 'booting' && console.log(pid) })
const version = versionOfCode('handOver({ default: (input, ctx) => ctx.db.query("go").then(() => { for (;;); }) })', { timeoutMs: 60_000 })
void invoke(executor, version, undefined, {
  capabilities: {
    async call() {
      console.log('looping')
      return { fields: [], rows: [], rowCount: 0 }
    },
    end: async () => undefined,
  },
})
