import type { Call } from './call.ts'
import { callHost } from './host-call.ts'
import { jsonParse, jsonStringify } from './primordials.ts'

/** Calls another function. Input and output cross the host as text, which it passes on without making objects of it. */
export async function invokeFunction(call: Call, name: unknown, input: unknown): Promise<unknown> {
  const inputJson: string | undefined = input === undefined ? undefined : jsonStringify(input)
  if (inputJson === undefined && input !== undefined) throw new TypeError(`Cannot send the input: a ${typeof input} has no form in JSON`)
  const outputJson = await callHost(call, 'functions.invoke', { name, inputJson })
  return typeof outputJson === 'string' ? jsonParse(outputJson) : undefined
}
