import { builtinModules } from 'node:module'
import { fetch } from './fetch.ts'
import { createConsole, logText } from './log.ts'
import { defineValue } from './primordials.ts'
import { createProcessFacade } from './process-facade.ts'
import { functionTimers } from './timers.ts'

const { getBuiltinModule } = process

/** Globals that open connections, start threads or come from `node -e`. */
const removed = [
  'require',
  'module',
  'exports',
  '__filename',
  '__dirname',
  'WebSocket',
  'EventSource',
  'CloseEvent',
  'Worker',
  'Storage',
  'localStorage',
  'sessionStorage',
]

/** Names of built-ins that are also real globals; those with authority are replaced. */
const kept = ['console', 'crypto', 'performance', 'process']

/** Sets the global object up as a function may see it. `env` is filled when a version is loaded. */
export function prepareGlobals(env: Record<string, string>): void {
  const facade = createProcessFacade(env, logText)
  replaceCrypto()
  replace('process', facade)
  replace('console', createConsole())
  for (const [name, start] of Object.entries(functionTimers)) replace(name, start)
  replace('fetch', fetch)
  // undici keeps its connection pool in a global once `Response` is used; with this in place it keeps none.
  Object.defineProperty(globalThis, Symbol.for('undici.globalDispatcher.1'), { value: Object.freeze({ dispatch: undefined }) })
}

/**
 * Removes globals with authority. Under -e every built-in is a global of its own, `fs` and `net` too, and Node puts
 * `module` back when the script has run: so this is done after it.
 */
export function removeGlobals(): void {
  for (const name of [...removed, ...builtinModules]) if (!kept.includes(name)) Reflect.deleteProperty(globalThis, name)
}

/** Under -e the global `crypto` is the module. The Web Crypto API is loaded when a function asks for it. */
function replaceCrypto(): void {
  Object.defineProperty(globalThis, 'crypto', {
    get: () => getBuiltinModule('crypto').webcrypto,
    set(value: unknown) {
      replace('crypto', value)
    },
    configurable: true,
  })
}

function replace(name: string, value: unknown): void {
  defineValue(globalThis, name, value)
}
