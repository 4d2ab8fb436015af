import { maxHeadBytes, toHost, type RequestHead } from '../frames/protocol.ts'
import { calls, runInCall, type Call } from './call.ts'
import { sendText, textFrom } from './channel.ts'
import { createContext } from './context.ts'
import { createRequestBody, dropBodies, sendResponseBody } from './http-body.ts'
import { getLoaded } from './load.ts'
import { createLogState } from './log.ts'
import { fail, finish, refuse, refuseValue, succeed } from './outcome.ts'
import {
  isArray,
  jsonParse,
  jsonStringify,
  nativeString,
  mapSet,
  NativeError,
  NativePromise,
  objectToString,
  promiseThen,
  stringIndexOf,
  stringSlice,
  utf8Length,
} from './primordials.ts'
import { checkInput, reviveInput } from './validators.ts'

function createCall(id: number, headJson: string): Call {
  const call: Call = {
    id,
    headJson,
    head: undefined,
    isOver: false,
    abort: undefined,
    isCancelled: false,
    logs: createLogState(),
    waiting: undefined,
    timers: undefined,
  }
  mapSet(calls, id, call)
  return call
}

/** Runs a JSON function. */
export function invoke(id: number, payload: Uint8Array): void {
  const text = textFrom(payload)
  const split = stringIndexOf(text, '\n')
  const call = createCall(id, stringSlice(text, 0, split))
  const inputJson = stringSlice(text, split + 1)
  void runInCall(call, () => runHandler(call, inputJson))
}

async function runHandler(call: Call, inputJson: string): Promise<void> {
  const loaded = getLoaded()
  try {
    if (loaded?.kind !== 'json') throw new NativeError('the function is not a JSON function')
    const input: unknown = inputJson === '' ? undefined : jsonParse(inputJson)
    const issues = checkInput(input)
    if (issues !== undefined) return refuseValue(call, 'INVALID_INPUT', issues)
    // Called by itself: `this` is nothing of the runtime, and stacks name the function alone.
    const { handler } = loaded
    const output = await handler(reviveInput(input), createContext(call))
    if (call.waiting !== undefined) await settle(call)
    succeed(call, output)
  } catch (thrown) {
    fail(call, thrown)
  }
}

/** Runs an HTTP function. */
export function fetch(id: number, payload: Uint8Array): void {
  const text = textFrom(payload)
  const split = stringIndexOf(text, '\n')
  const call = createCall(id, stringSlice(text, 0, split))
  void runInCall(call, () => runFetch(call, jsonParse(stringSlice(text, split + 1)) as RequestHead))
}

async function runFetch(call: Call, head: RequestHead): Promise<void> {
  const loaded = getLoaded()
  try {
    if (loaded?.kind !== 'http') throw new NativeError('the function is not an HTTP function')
    const ctx = createContext(call)
    const response: unknown = await loaded.app.fetch(createRequest(call, head), ctx.env, ctx)
    if (objectToString(response) !== '[object Response]')
      throw new NativeError(`fetch returned ${response === null ? 'null' : `a value of type ${typeof response}`}; expected a Response`)
    await sendResponse(call, response as Response)
    if (call.isOver) return dropBodies(call)
    if (call.waiting !== undefined) await settle(call)
    dropBodies(call)
    finish(call)
  } catch (thrown) {
    dropBodies(call)
    fail(call, thrown)
  }
}

function createRequest(call: Call, head: RequestHead): Request {
  const init: RequestInit & { duplex?: string } = {
    method: head.method,
    headers: head.headers.map(([name, value]): [string, string] => [name, value]),
  }
  if (head.hasBody) {
    init.body = createRequestBody(call)
    init.duplex = 'half'
  }
  return new Request(head.url, init)
}

async function sendResponse(call: Call, response: Response): Promise<void> {
  const headers: string[] = []
  // The iterator gives one entry per Set-Cookie header.
  response.headers.forEach((value: unknown, name: unknown) => {
    headers[headers.length] = `[${jsonStringify(nativeString(name))},${jsonStringify(nativeString(value))}]`
  })
  let list = ''
  for (let index = 0; index < headers.length; index++) list += (index === 0 ? '' : ',') + headers[index]
  // A subclass of `Response` may give anything.
  const { body, status }: { readonly body: Response['body']; readonly status: unknown } = response
  const head = `{"status":${Number(status)},"headers":[${list}],"hasBody":${body !== null}}`
  const bytes = utf8Length(head)
  if (bytes > maxHeadBytes) return refuse(call, 'OUTPUT_LIMIT', `the head of its response has ${bytes} bytes, allowed are ${maxHeadBytes}`)
  sendText(toHost.head, call.id, head)
  if (body !== null) await sendResponseBody(call, body)
}

async function settle(call: Call): Promise<void> {
  const { waiting } = call
  if (!isArray(waiting)) return
  // More may be added while the first ones run.
  for (let index = 0; index < waiting.length; index++) {
    const promise = waiting[index]
    if (promise !== undefined)
      await new NativePromise<void>(
        (resolve) =>
          void promiseThen(
            promise,
            () => resolve(),
            () => resolve(),
          ),
      )
  }
}
