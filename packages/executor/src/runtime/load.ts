import vm from 'node:vm'
import { toHost, type LoadHead } from '../frames/protocol.ts'
import { builtin } from './builtins.ts'
import { setShared } from './call.ts'
import { getUint32, sendBytes, sendNumberAndText, sendText, textFrom } from './channel.ts'
import { setLoadHead } from './context.ts'
import { describeError } from './describe-error.ts'
import { setLogLimit } from './log.ts'
import { setOutputLimit } from './outcome.ts'
import { setCodeName } from './places.ts'
import { warmUpHttp } from './warm-up.ts'
import { cpuMicros } from './process-facade.ts'
import { jsonParse, NativeError, objectKeys, utf8Slice } from './primordials.ts'
import { sealValidators, setValidators } from './validators.ts'

/** The loaded function: a handler, or an application with a `fetch` method. */
export type Loaded =
  | { readonly kind: 'json'; readonly handler: (input: unknown, ctx: unknown) => unknown }
  | { readonly kind: 'http'; readonly app: { fetch(request: Request, env: unknown, ctx: unknown): unknown } }

let loaded: Loaded | undefined

/** What was loaded; `undefined` before. */
export function getLoaded(): Loaded | undefined {
  return loaded
}

const { Script } = vm

/** Runs the code of a version once and finds its handler. */
export async function load(payload: Uint8Array, env: Record<string, string>): Promise<void> {
  const headEnd = 4 + getUint32(payload, 0)
  const head = jsonParse(utf8Slice(payload, 4, headEnd)) as LoadHead
  for (const name of objectKeys(head.env)) env[name] = head.env[name] ?? ''
  setLoadHead(head)
  setShared(head.instanceConcurrency > 1)
  setLogLimit(head.logBytes)
  setOutputLimit(head.outputBytes)
  let namespace: unknown
  try {
    const filename = `cordon:///${head.function}/index.js`
    setCodeName(filename)
    const codeStart = headEnd + head.cacheBytes
    // One that V8 refuses, because another Node made it, is as good as none.
    const cachedData = head.cacheBytes === 0 ? undefined : payload.subarray(headEnd, codeStart)
    const script = new Script(textFrom(payload, codeStart), { filename, cachedData })
    const run: unknown = script.runInThisContext()
    if (typeof run !== 'function') throw new NativeError('the bundle is not a function')
    await run(builtin, (value: unknown) => (namespace = value), filename, setValidators)
    sealValidators()
    loaded = findHandler(namespace)
    if (loaded.kind === 'http') warmUpHttp()
  } catch (thrown) {
    return failLoad(thrown)
  }
  sendNumberAndText(toHost.loaded, 0, cpuMicros(), loaded.kind)
}

/** Compiles code without running it, and sends the code cache. */
export function compile(code: Uint8Array): void {
  sendBytes(toHost.compiled, 0, new Script(textFrom(code)).createCachedData())
}

/** The code cannot be used. */
export function failLoad(thrown: unknown): void {
  sendText(toHost.loadFailed, 0, `{"code":"LOAD_FAILED","origin":0,"fatal":true,"error":${describeError(thrown)}}`)
}

function findHandler(namespace: unknown): Loaded {
  const exported: unknown = read(namespace, 'default')
  // A CommonJS module that was compiled from an ES module keeps its default export one level down.
  const value = typeof exported === 'object' && exported !== null && read(exported, '__esModule') === true ? read(exported, 'default') : exported
  if ((typeof value === 'object' || typeof value === 'function') && value !== null && typeof read(value, 'fetch') === 'function') {
    return { kind: 'http', app: value as { fetch(request: Request, env: unknown, ctx: unknown): unknown } }
  }
  if (typeof value === 'function') return { kind: 'json', handler: value as (input: unknown, ctx: unknown) => unknown }
  const shown = value === undefined ? 'nothing' : value === null ? 'null' : `a value of type ${typeof value}`
  throw new NativeError(`the default export is ${shown}; expected a function, or an object with a fetch method`)
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' || typeof value === 'function' ? (value as Record<string, unknown> | null)?.[key] : undefined
}
