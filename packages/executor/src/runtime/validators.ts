import { isUint8Array } from 'node:util/types'
import type { SideValidator, Validators } from '@cordon/contracts'
import { describeIssues, describeMissing } from './issues.ts'
import { base64Slice, bytesLength, jsonParse, jsonStringify } from './primordials.ts'

let input: SideValidator | undefined
let output: SideValidator | undefined
let isSet = false

/** Takes the validators of a bundle. Only the first ones count: the bundle gives them before its own code runs. */
export function setValidators(given: Validators): void {
  if (isSet) return
  isSet = true
  input = given.input
  output = given.output
}

/** A bundle that gave no validators by now has none. */
export function sealValidators(): void {
  isSet = true
}

/** What is wrong with an input, as a JSON list; `undefined` when it fits. */
export function checkInput(value: unknown): string | undefined {
  if (input?.validate === undefined) return undefined
  if (value === undefined) return input.isOptional ? undefined : describeMissing('an input')
  return input.validate(value) ? undefined : describeIssues(input.validate.errors)
}

/** Turns an input that fits into what the handler's types say. */
export function reviveInput(value: unknown): unknown {
  return input?.revive === undefined || value === undefined ? value : input.revive(value)
}

/** An output as JSON text; `undefined` when JSON has no form for it. */
export function outputJson(value: unknown): string | undefined {
  return output?.encodes === 'bytes' ? jsonStringify(value, encodeBytes) : jsonStringify(value)
}

/**
 * What is wrong with an output, as a JSON list; `undefined` when it fits. A value fits as it is or as the JSON that the caller gets, which
 * may differ because of a `toJSON` method. One that fits as it is counts whatever its JSON is: reading that again would cost as much as writing it.
 */
export function checkOutput(value: unknown, json: string): string | undefined {
  if (output?.validate === undefined || (output.encodes === undefined && output.validate(value))) return undefined
  return output.validate(jsonParse(json)) ? undefined : describeIssues(output.validate.errors)
}

/** What is wrong with no output at all. */
export function checkNoOutput(): string | undefined {
  return output?.validate === undefined || output.isOptional ? undefined : describeMissing('an output')
}

/** For `JSON.stringify`: bytes become base64. A `Buffer` has been turned into an object by then, so its holder is asked. */
function encodeBytes(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key]
  return isUint8Array(original) ? base64Slice(original, 0, bytesLength(original)) : value
}
